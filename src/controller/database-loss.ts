/**
 * What is done when the switch's database is lost: the leases step aside. For when ovsdb-server is gone for longer than a
 * second, ovs-vswitchd neither sends packets up nor ends a row nor hears us (`bridge_run` returns early without the
 * database's lock; seen on Open vSwitch 3.1.0): whatever is to be sent up until then is lost. In the first second it still
 * hears. The userspace datapath does not forward either meanwhile; one in the kernel would, and is what this is for. If only
 * our own connection is cut, the self-check brings the rows back after 2 s. It knows neither rows nor sessions.
 *
 *     connected --lost--> waiting --0.6 s: the leases step aside--> aside --connected: they come back--> connected
 *                            +--------------------- connected ------------------------------------------^
 */

import { distinctUntilChanged, map } from 'rxjs'
import type { Clock } from '../openflow/index.ts'
import type { OvsdbClient } from '../ovsdb/index.ts'
import type { Leases } from './leases.ts'

/** A restart of ovsdb-server that takes less is nobody's business. */
const patienceMs = 600

/** Watches the database's connection; the function it returns ends it. */
export function watchDatabaseLoss(
  { state }: Pick<OvsdbClient, 'state'>,
  leases: Leases,
  { clock }: { clock: Clock },
): () => void {
  let hasBeenConnected = false
  let cancel = () => {}
  const subscription = state
    .pipe(
      map(({ isConnected }) => isConnected),
      distinctUntilChanged(),
    )
    .subscribe((isConnected) => {
      cancel()
      if (isConnected) for (const lease of leases) lease.comeBack()
      if (!isConnected && hasBeenConnected)
        cancel = clock.after(patienceMs, () => {
          for (const lease of leases) lease.stepAside()
        })
      hasBeenConnected ||= isConnected
    })
  return () => {
    cancel()
    subscription.unsubscribe()
  }
}
