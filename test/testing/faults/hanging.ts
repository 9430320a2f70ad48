import type { HostedManager } from '../../../src/testing/host.ts'
import type { HostTestName } from '../../../src/testing/host-tests.ts'
import { MemoryClient } from '../memory-host.ts'
import { withClients, withManager, type Fault } from './fault.ts'

const never = (): Promise<never> => new Promise(() => {})

function hangingClient(method: 'close' | 'destroy' | 'pause' | 'resume', test: HostTestName, expectation: string): Fault {
  class Hanging extends MemoryClient {}
  Object.defineProperty(Hanging.prototype, method, { value: never })
  return { test, what: `a client whose ${method} hangs`, Host: withClients(Hanging), says: saying(expectation) }
}

function hangingManager(method: keyof HostedManager, test: HostTestName, expectation: string): Fault {
  return { test, what: `a manager whose ${method} hangs`, Host: withManager(() => ({ [method]: never })), says: saying(expectation) }
}

function saying(expectation: string): RegExp {
  return new RegExp(`^Expected that ${expectation}, within 10000 ms: it did not happen$`)
}

export const hangingFaults: readonly Fault[] = [
  hangingClient('close', 'cleans up after a client that closes', 'client 1 .alice. closes its connection'),
  hangingClient('destroy', 'cleans up after a client that vanishes', 'client 1 .alice. destroys its connection'),
  hangingClient('pause', 'holds a stuck client back until it reads again', 'client 1 .alice. pauses'),
  hangingClient('resume', 'holds a stuck client back until it reads again', 'client 1 .alice. resumes'),
  hangingManager('publish', 'delivers a burst of one tick whole and in order', 'the manager publishes 3000 messages'),
  hangingManager('sendToUser', 'sends to one user alone', 'the manager sends to alice'),
  hangingManager('counts', 'cleans up after a client that closes', 'the manager counts .*'),
  hangingManager('counts', 'ends a client that stays stuck', 'the manager tells its counts'),
  hangingManager('stats', 'holds a stuck client back until it reads again', 'the manager tells its totals'),
  hangingManager('removeUser', 'closes a client that is removed', 'the manager removes alice'),
  hangingManager('cleanup', 'closes everybody at shutdown', 'the manager cleans up'),
]
