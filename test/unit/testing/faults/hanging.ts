import type { HostedManager } from '../../../../src/testing/host.ts'
import type { HostTestName } from '../../../../src/testing/host-tests.ts'
import { MemoryClient, MemoryHost } from '../memory-host.ts'
import { withClients, withManager, type Fault } from './fault.ts'

const never = (): Promise<never> => new Promise(() => {})

type ClientMethod = 'close' | 'destroy' | 'pause' | 'resume' | 'ask' | 'send' | 'sendBytes' | 'freeze' | 'closedWith'

function hangingClient(method: ClientMethod, test: HostTestName, expectation: string): Fault {
  class Hanging extends MemoryClient {}
  Object.defineProperty(Hanging.prototype, method, { value: never })
  return { test, what: `a client whose ${method} hangs`, Host: withClients(Hanging), says: saying(expectation) }
}

function hangingManager(method: keyof HostedManager, test: HostTestName, expectation: string): Fault {
  return { test, what: `a manager whose ${method} hangs`, Host: withManager(() => ({ [method]: never })), says: saying(expectation) }
}

function hangingHost(method: 'beat' | 'connectAndLeave', test: HostTestName, expectation: string): Fault {
  class Hanging extends MemoryHost {}
  Object.defineProperty(Hanging.prototype, method, { value: never })
  return { test, what: `a harness whose ${method} hangs`, Host: Hanging, says: saying(expectation) }
}

function saying(expectation: string): RegExp {
  return new RegExp(`^Expected that ${expectation} within 10000 ms, but it did not happen$`)
}

export const hangingFaults: readonly Fault[] = [
  hangingClient('close', 'cleans up after a client that closes', 'client 1 .alice. closes its connection'),
  hangingClient('destroy', 'cleans up after a client that vanishes', 'client 1 .alice. destroys its connection'),
  hangingClient('pause', 'holds a stuck client back until it reads again', 'client 1 .alice. pauses'),
  hangingClient('resume', 'holds a stuck client back until it reads again', 'client 1 .alice. resumes'),
  hangingClient('ask', 'ends the subscription that a client gives up', 'client 1 .alice. asks'),
  hangingClient('send', 'goes on serving whatever text a client sends', 'client 2 .mallory. sends a text'),
  hangingClient('sendBytes', 'goes on serving whatever bytes a client sends', 'client 2 .mallory. sends bytes'),
  hangingClient('freeze', 'removes a client that falls silent', 'client 1 .alice. falls silent'),
  hangingClient('closedWith', 'tells a client why it is removed', 'client 1 .alice. reports why its connection ended'),
  hangingHost('beat', 'removes a client that falls silent', 'the heartbeat passes'),
  hangingHost('connectAndLeave', 'registers no client that left before it was accepted', 'a client .alice. connects and leaves'),
  hangingManager('connectionIds', 'carries out what a client asks for that client alone', 'the manager returns the connections of alice'),
  hangingManager('publish', 'delivers a burst of one tick whole and in order', 'the manager publishes 48 messages'),
  hangingManager('sendToUser', 'sends to one user alone', 'the manager sends to alice'),
  hangingManager('counts', 'cleans up after a client that closes', 'the manager counts .*'),
  hangingManager('counts', 'ends a client that stays stuck', 'the manager returns its counts'),
  hangingManager('stats', 'holds a stuck client back until it reads again', 'the manager returns its totals'),
  hangingManager('removeUser', 'closes a client that is removed', 'the manager removes alice'),
  hangingManager('removeConnection', 'tells a client why it is removed', 'the manager removes client 1 .alice.'),
  hangingManager('cleanup', 'closes everybody at shutdown', 'the manager cleans up'),
]
