import { MemoryClient, MemoryHost } from '../memory-host.ts'
import { withClients, withManager, type Fault, type Handle } from './fault.ts'

class Unclosable extends MemoryClient {
  override endByServer(): void {}
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
