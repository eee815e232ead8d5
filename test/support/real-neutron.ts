/**
 * A real neutron-server of Debian (`scripts/setup.sh` installs it), alone on loopback: SQLite, no Keystone (its API
 * trusts the X- headers, with Neutron's own policies), no agents. Everything is in one temporary directory.
 */

import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type ProcessRef, startDaemon, stopProcess, waitUntil } from '../../src/lab/process.ts'
import { freePort } from './etcd.ts'

const run = promisify(execFile)

/** Debian's Neutron is Python's of Debian, whatever stands first in the path. */
const python = '/usr/bin/python3'

/** The projects and who speaks for them. */
export type Project = 'red' | 'blue' | 'admin'
export const projectId = { red: '1'.repeat(32), blue: '2'.repeat(32), admin: '9'.repeat(32) } as const

export interface RealNeutronOptions {
  /** neutron.conf's `dns_domain`. */
  readonly dnsDomain: string
  /** Where notifications go; without it nowhere. */
  readonly transportUrl?: string
}

/** A server that was started at least once. */
export class RealNeutron {
  readonly folder = mkdtempSync(join(tmpdir(), 'df-real-neutron-'))
  readonly url: string
  version = ''
  #process: ProcessRef | undefined

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}`
  }

  /** Makes the database and starts the server. */
  static async start(options: RealNeutronOptions): Promise<RealNeutron> {
    const neutron = new RealNeutron(await freePort())
    neutron.#configure(options)
    const query = await run('dpkg-query', ['-W', '--showformat=$'.concat('{Version}'), 'neutron-server'])
    neutron.version = query.stdout
    // The migrations do not run on SQLite: the schema is made from the models and stamped as current.
    await run(python, ['-c', createSchema, neutron.#database], { env: environment })
    await run('neutron-db-manage', [...neutron.#configFiles, 'stamp', 'heads'], { env: environment })
    await neutron.start()
    return neutron
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  async start(): Promise<void> {
    const logFile = join(this.folder, 'server.log')
    this.#process = await startDaemon(python, ['/usr/bin/neutron-server', ...this.#configFiles], {
      logFile,
      env: environment,
      diesWithParent: true,
    })
    const answers = () =>
      fetch(this.url).then(
        () => true,
        () => false,
      )
    const alive = [{ name: 'neutron-server', process: this.#process, logFile }]
    await waitUntil('neutron-server to answer', answers, { alive, timeoutMs: 60_000 })
  }

  async stop(): Promise<void> {
    if (this.#process) await stopProcess(this.#process, 15_000)
  }

  /** Stops it and removes everything. */
  async remove(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Makes a resource for a project; `kind` is the member of the request, `port`. */
  async create(project: Project, kind: string, fields: object): Promise<Resource> {
    return (await this.#send(project, 'POST', `${kind}s`, { [kind]: fields }))[kind] as Resource
  }

  async update(project: Project, kind: string, id: string, fields: object): Promise<Resource> {
    return (await this.#send(project, 'PUT', `${kind}s/${id}`, { [kind]: fields }))[kind] as Resource
  }

  async delete(project: Project, kind: string, id: string): Promise<void> {
    await this.#send(project, 'DELETE', `${kind}s/${id}`)
  }

  /** Joins a subnet to a router; the id of the port that is made for it. */
  async addInterface(project: Project, router: string, subnet: string): Promise<string> {
    const path = `routers/${router}/add_router_interface`
    return (await this.#send(project, 'PUT', path, { subnet_id: subnet })).port_id as string
  }

  /** Lets a port be bound to a host on which no agent runs. */
  async announceHost(host: string): Promise<void> {
    await run(python, ['-c', announceAgent, this.#database, host], { env: environment })
  }

  /** Puts `count` ports like this one into the database, each with a name `<prefix>-<n>` and an address of 10.0.0.0/8. */
  async multiply(port: string, count: number, prefix: string): Promise<void> {
    await run(python, ['-c', multiplyPort, this.#database, port, `${count}`, prefix], { env: environment })
  }

  /** How long the server itself takes for everything that the feed reads, in ms. */
  async ownTimeMs(): Promise<number> {
    const beganMs = performance.now()
    for (const path of ['floatingips', 'ports', 'routers', 'security-groups', 'subnets', 'networks']) {
      const headers = { 'x-user-id': 'admin', 'x-project-id': projectId.admin, 'x-roles': 'admin' }
      await (await fetch(`${this.url}/v2.0/${path}?sort_key=id&sort_dir=asc`, { headers })).arrayBuffer()
    }
    return performance.now() - beganMs
  }

  async #send(
    project: Project,
    method: string,
    path: string,
    body?: object,
  ): Promise<Record<string, unknown>> {
    const answer = await fetch(`${this.url}/v2.0/${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        'x-user-id': project,
        'x-project-id': projectId[project],
        'x-roles': project === 'admin' ? 'admin,member,reader' : 'member,reader',
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
  }

  get #database(): string {
    return `sqlite:///${join(this.folder, 'neutron.db')}`
  }

  get #configFiles(): string[] {
    return ['neutron.conf', 'ml2_conf.ini'].flatMap((name) => ['--config-file', join(this.folder, name)])
  }

  #configure({ dnsDomain, transportUrl }: RealNeutronOptions): void {
    const { folder } = this
    mkdirSync(join(folder, 'lock'))
    const conf = {
      DEFAULT: {
        core_plugin: 'ml2',
        service_plugins: 'router',
        auth_strategy: 'noauth',
        bind_host: '127.0.0.1',
        bind_port: new URL(this.url).port,
        // With SQLite there must be one writer: the API is served by the parent process.
        api_workers: 0,
        rpc_workers: 1,
        rpc_state_report_workers: 0,
        api_paste_config: join(folder, 'api-paste.ini'),
        state_path: folder,
        dns_domain: dnsDomain,
        transport_url: transportUrl ?? 'fake://',
        notify_nova_on_port_status_changes: false,
        notify_nova_on_port_data_changes: false,
      },
      database: { connection: this.#database },
      oslo_concurrency: { lock_path: join(folder, 'lock') },
      oslo_messaging_notifications: { driver: transportUrl === undefined ? 'noop' : 'messagingv2' },
    }
    const ml2 = {
      ml2: {
        type_drivers: 'local,flat,vlan,vxlan',
        tenant_network_types: 'vxlan',
        mechanism_drivers: 'openvswitch',
        extension_drivers: 'port_security,dns',
      },
      ml2_type_vxlan: { vni_ranges: '1:10000' },
    }
    writeFileSync(join(folder, 'neutron.conf'), iniOf(conf))
    writeFileSync(join(folder, 'ml2_conf.ini'), iniOf(ml2))
    writeFileSync(join(folder, 'api-paste.ini'), pipelines)
  }
}

export interface Resource extends Readonly<Record<string, unknown>> {
  readonly id: string
}

const environment = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' }

const iniOf = (sections: Readonly<Record<string, object>>) =>
  Object.entries(sections)
    .map(
      ([name, options]) =>
        `[${name}]\n${Object.entries(options)
          .map(([key, value]) => `${key} = ${value}\n`)
          .join('')}`,
    )
    .join('')

const createSchema = `
import sys, sqlalchemy as sa
from neutron.common import config
from neutron.db.migration.models import head
engine = sa.create_engine(sys.argv[1])
with engine.connect() as connection: connection.execute(sa.text('PRAGMA journal_mode=WAL'))
head.get_metadata().create_all(engine)
`

/** A row of an agent whose heartbeat is in the future. */
const announceAgent = `
import datetime, json, sys, uuid, sqlalchemy as sa
row = dict(id=str(uuid.uuid4()), agent_type='Open vSwitch agent', binary='neutron-openvswitch-agent', topic='N/A',
  host=sys.argv[2], admin_state_up=True, created_at=datetime.datetime.utcnow(), started_at=datetime.datetime.utcnow(),
  heartbeat_timestamp=datetime.datetime(2099, 1, 1), load=0, resources_synced=True, configurations=json.dumps(dict(
  bridge_mappings={}, tunnel_types=['vxlan'], tunneling_ip='192.0.2.1', datapath_type='netdev', integration_bridge='br-int',
  ovs_hybrid_plug=False, vhostuser_socket_dir='', ovs_capabilities=dict(datapath_types=['netdev'], iface_types=['tap']))))
engine = sa.create_engine(sys.argv[1], connect_args={'timeout': 30})
table = sa.Table('agents', sa.MetaData(), autoload_with=engine)
with engine.begin() as connection: connection.execute(table.insert().values(**row))
`

/** Every row that is about the port, copied with another id. */
const multiplyPort = `
import sys, uuid, sqlalchemy as sa
url, source, count, prefix = sys.argv[1:]
engine = sa.create_engine(url, connect_args={'timeout': 60})
meta = sa.MetaData(); meta.reflect(engine)
tables = [t for t in meta.sorted_tables if 'port_id' in t.c and t.name != 'ports']
attributes, ports = meta.tables['standardattributes'], meta.tables['ports']
with engine.begin() as connection:
  def rows(table, column, value): return [dict(r._mapping) for r in connection.execute(table.select().where(column == value))]
  [port] = rows(ports, ports.c.id, source)
  [attribute] = rows(attributes, attributes.c.id, port['standard_attr_id'])
  del attribute['id']
  parts = [(t, rows(t, t.c.port_id, source)) for t in tables]
  for n in range(int(count)):
    new = str(uuid.uuid4())
    [key] = connection.execute(attributes.insert().values(**attribute)).inserted_primary_key
    mac = 'fa:16:3f:%02x:%02x:%02x' % (n >> 16, n >> 8 & 255, n & 255)
    connection.execute(ports.insert().values(**dict(port, id=new, standard_attr_id=key, mac_address=mac)))
    for table, copies in parts:
      for copy in copies:
        change = {'port_id': new}
        if table.name == 'ipallocations': change['ip_address'] = '10.1.%d.%d' % (n // 250, n % 250 + 1)
        if table.name == 'portdnses': change.update(dns_name='%s-%d' % (prefix, n), current_dns_name='')
        connection.execute(table.insert().values(**dict(copy, **change)))
`

/** "noauth" that takes the X- headers for those of Keystone's middleware, so that policies hold. */
const pipelines = `
[composite:neutron]
use = egg:Paste#urlmap
/: versions
/v2.0: api
[composite:api]
use = call:neutron.auth:pipeline_factory
noauth = request_id catch_errors keystonecontext extensions app
[composite:versions]
use = call:neutron.auth:pipeline_factory
noauth = neutronversions
[filter:request_id]
paste.filter_factory = oslo_middleware:RequestId.factory
[filter:catch_errors]
paste.filter_factory = oslo_middleware:CatchErrors.factory
[filter:keystonecontext]
paste.filter_factory = neutron.auth:NeutronKeystoneContext.factory
[filter:extensions]
paste.filter_factory = neutron.api.extensions:plugin_aware_extension_middleware_factory
[app:neutronversions]
paste.app_factory = neutron.pecan_wsgi.app:versions_factory
[app:app]
paste.app_factory = neutron.api.v2.router:APIRouter.factory
`
