import type { CloseDetails } from '../../../../src/index.ts'
import { MemoryClient, MemoryHost } from '../memory-host.ts'
import { withClients, withManager, without, type Fault, type Handle } from './fault.ts'

class Unclosable extends MemoryClient {
  override endByServer(): void {}
}

const TOLD = 'tells a client why it is removed'

/** Clients that are told something other than what the host says. */
function toldInstead(change: (why: CloseDetails) => CloseDetails | undefined): new () => MemoryHost {
  return withClients(
    class extends MemoryClient {
      override closedWith(): CloseDetails | undefined {
        return this.socket.closedWith && change(this.socket.closedWith)
      }
    },
  )
}

export const endingFaults: readonly Fault[] = [
  {
    test: 'closes a client that is removed',
    what: 'a socket whose close does not reach the client',
    Host: withClients(Unclosable),
    says: /Expected that client 1 \(alice\) sees its connection end within 10000 ms, but it did not happen/,
  },
  {
    test: 'closes a client that is removed',
    what: 'a manager that removes only one connection of a user',
    Host: withManager(({ inner }) => ({
      removeUser: async (userId) => Number(await inner.removeConnection(inner.userConnections.get(userId)?.[0] ?? '')),
    })),
    says: /Expected `removeUser` to remove 2 connections, but it removed 1/,
  },
  {
    test: TOLD,
    what: 'a socket that does not pass on why it is closed',
    Host: toldInstead(() => undefined),
    says: /^Expected that client 1 \(alice\) is told \{"code":4001,"reason":"logged in elsewhere"\}, but it was told nothing$/,
  },
  {
    test: TOLD,
    what: 'a socket that passes on the code alone',
    Host: toldInstead(({ code }) => ({ code, reason: '' })),
    says: /is told \{"code":4001,"reason":"logged in elsewhere"\}, but it was told \{"code":4001,"reason":""\}/,
  },
  {
    test: TOLD,
    what: 'a socket that passes on the reason alone',
    Host: toldInstead(({ reason }) => ({ code: 1000, reason })),
    says: /but it was told \{"code":1000,"reason":"logged in elsewhere"\}/,
  },
  {
    test: TOLD,
    what: 'a socket that says the same of every removal',
    Host: toldInstead(() => ({ code: 4001, reason: 'logged in elsewhere' })),
    says: /client 2 \(carol\) is told \{"code":1000,"reason":"Bis später"\}, but it was told \{"code":4001/,
  },
  {
    test: TOLD,
    what: 'a socket that garbles a reason beyond ASCII',
    Host: toldInstead(({ code, reason }) => ({ code, reason: Buffer.from(reason).toString('latin1') })),
    says: /"Bis später"\}, but it was told \{"code":1000,"reason":"Bis spÃ¤ter"\}/,
  },
  {
    test: TOLD,
    what: 'a socket whose close does not reach the client',
    Host: withClients(Unclosable),
    says: /Expected that client 1 \(alice\) sees its connection end/,
  },
  {
    test: TOLD,
    what: 'a client that does not get what was published before',
    Host: withClients(
      class extends MemoryClient {
        override receive(text: string): void {
          if (!text.includes('logged in elsewhere')) super.receive(text)
        }
      },
    ),
    says: /Expected that client 1 \(alice\) receives all that is due/,
  },
  {
    test: TOLD,
    what: 'a manager that removes nobody',
    Host: withManager(() => ({ removeConnection: () => false })),
    says: /^Expected `removeConnection` to remove client 1 \(alice\), but it returned false$/,
  },
  {
    test: TOLD,
    what: 'a manager that removes everybody',
    Host: withManager(({ inner }) => ({
      removeConnection: async (id, why) => {
        const others = [...inner.connections()].filter((each) => each.id !== id)
        for (const each of others) void each.remove()
        return (await inner.getConnection(id)?.remove(why)) ?? false
      },
    })),
    says: /Expected the manager to find \[2\] recipients|the manager counts/,
  },
  { test: TOLD, what: 'a harness whose clients do not say why they were closed', Host: without('closedWith'), says: /requires the harness to have `closedWith`/ },
  ...(['closes', 'vanishes'] as const).flatMap((how): Fault[] => [
    {
      test: `cleans up after a client that ${how}`,
      what: 'a server that does not notice that a client has gone',
      Host: class extends MemoryHost {
        override removeGone(): void {}
      },
      says: /the manager counts .*"connections":2,.*, but got .*"connections":3,/,
    },
    {
      test: `cleans up after a client that ${how}`,
      what: 'a server that removes the user even if other connections remain',
      Host: class extends MemoryHost {
        override removeGone({ userId }: Handle): void {
          void this.inner.removeUser(userId)
        }
      },
      says: /the manager counts .*"connections":2,.*, but got .*"connections":1,/,
    },
    {
      test: `cleans up after a client that ${how}`,
      what: 'a client that does not report its own close',
      Host: withClients(
        class extends MemoryClient {
          override end(): void {}
        },
      ),
      says: /Expected that client 1 \(alice\) sees its connection end/,
    },
  ]),
  ...(['waiting', 'connectionsBehind', 'waitingBytes'] as const).map((waiting): Fault => ({
    test: 'cleans up after a client that vanishes',
    what: `a manager with a wrong total of ${waiting}`,
    Host: withManager(({ inner }) => ({ stats: () => ({ ...inner.stats(), [waiting]: 1 }) })),
    says: /^Expected that no message waits within 10000 ms, but got \{"matched"/,
  })),
  {
    test: 'closes everybody at shutdown',
    what: 'a socket that never closes',
    Host: withClients(
      class extends MemoryClient {
        override endByServer(): Promise<void> {
          return new Promise(() => {})
        }
      },
    ),
    says: /Expected that the manager cleans up/,
  },
  {
    test: 'closes everybody at shutdown',
    what: 'a socket that fails to close',
    Host: withClients(
      class extends MemoryClient {
        override endByServer(): void {
          throw new Error('no')
        }
      },
    ),
    says: /Expected the cleanup report to count 3 closed connections, but it is .*"failed":3/,
  },
  {
    test: 'closes everybody at shutdown',
    what: 'a manager that leaves a connection open',
    Host: withManager(({ inner }) => ({
      cleanup: async () => {
        void inner.getConnection('c1')?.remove({ close: false })
        return inner.cleanup()
      },
    })),
    says: /Expected the cleanup report to count 3 closed connections, but it is .*"closed":2/,
  },
  {
    test: 'closes everybody at shutdown',
    what: 'a socket that reports a close that has not happened',
    Host: withClients(Unclosable),
    says: /Expected that client 1 \(alice\) sees its connection end/,
  },
]
