/**
 * Rows that change at a steady pace: names of both tenants whose ports are on other nodes and get a new address with each
 * change, never the same twice, so that an answer tells which row it was made from, and whose.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Plan } from '../../src/lab/plan.ts'
import { type JsonObject, type NbDriver, pythonJson } from '../../src/nb/index.ts'
import { now, type Question, type Truth } from './load.ts'

const perTenant = 8

interface Name {
  readonly asker: string
  readonly name: string
  readonly row: JsonObject & { readonly id: string }
  /** Of its addresses, so that those of the tenants differ. */
  readonly prefix: string
}

export class Churn {
  readonly questions: readonly Question[]
  readonly #store: NbDriver
  readonly #truth: Truth
  readonly #names: readonly Name[]
  #changes = 0
  #isOver = true
  #done: Promise<void> = Promise.resolve()

  private constructor(store: NbDriver, truth: Truth, names: readonly Name[]) {
    this.#store = store
    this.#truth = truth
    this.#names = names
    this.questions = names.map(({ asker, name }) => ({
      ...{ asker, name, type: 'AAAA' },
      ...{ kind: 'local', server: '198.51.100.53' },
    }))
  }

  /** Writes the rows; they do not change yet. */
  static async create(plan: Plan, store: NbDriver, truth: Truth): Promise<Churn> {
    const names: Name[] = []
    for (const [at, tenant] of ['red', 'blue'].entries()) {
      const asker = plan.ports.find(({ key }) => key === `${tenant}-web`)!
      const subnets = [asker.addresses.find(({ ip }) => ip.includes(':'))!.subnetId]
      for (let index = 0; index < perTenant; index += 1) {
        const id = `churn-${tenant}-${index}`
        const { topic, networkId: lswitch } = asker
        const row = {
          ...{ id, topic, lswitch, subnets, version: 1, unique_key: await store.allocateUniqueKey('lport') },
          ...{ macs: [`fa:16:3e:00:0${at + 1}:0${index}`], enabled: true, device_owner: 'compute:nova' },
          ...{ binding: { type: 'chassis', chassis: 'elsewhere' }, port_security_enabled: true },
        }
        names.push({
          asker: asker.key,
          name: `n${index}.${tenant}.example.org`,
          row,
          prefix: `fd00:a::${at + 1}`,
        })
        await store.put(
          'dnsname',
          id,
          pythonJson({ id, topic, lport: id, dns_name: `n${index}`, version: 1 }),
        )
      }
    }
    const churn = new Churn(store, truth, names)
    for (const _ of names) await churn.change()
    return churn
  }

  /** Changes the next row: the old address is true until it is written, the new one from before that. */
  async change(store: NbDriver = this.#store): Promise<void> {
    const { asker, name, row, prefix } = this.#names[this.#changes % this.#names.length]!
    this.#changes += 1
    const ip = `${prefix}:${this.#changes.toString(16)}`
    const written = this.#truth.change({ asker, name, type: 'AAAA' }, ip)
    await store.put('lport', row.id, pythonJson({ ...row, ips: [ip], version: this.#changes }))
    written()
  }

  /** Changes rows from now on, so many a second, one after the other. */
  start(perSecond: number): void {
    const startedAt = now()
    const first = this.#changes
    this.#isOver = false
    const run = async () => {
      while (!this.#isOver) {
        const dueAt = startedAt + ((this.#changes - first) * 1000) / perSecond
        if (dueAt > now()) await sleep(dueAt - now())
        else await this.change()
      }
    }
    this.#done = run()
  }

  /** Ends the changes and tells how many there were. */
  async stop(): Promise<number> {
    this.#isOver = true
    await this.#done
    return this.#changes
  }
}
