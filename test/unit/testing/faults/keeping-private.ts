import { MemoryClient, MemoryHost } from '../memory-host.ts'
import { withManager, type Fault, type Handle } from './fault.ts'

function withUserIds(read: (userId: string) => string): new () => MemoryHost {
  return class extends MemoryHost {
    override admit(client: MemoryClient, userId: string): Handle {
      return super.admit(client, read(userId))
    }
  }
}

export const privacyFaults: readonly Fault[] = [
  ...Object.entries<(userId: string) => string>({
    'trims user ids': (userId) => userId.trim(),
    'lowers the case of user ids': (userId) => userId.toLowerCase(),
    'decodes user ids twice': (userId) => decodeURIComponent(userId).trim(),
    'truncates user ids at a colon': (userId) => userId.split(':')[0] ?? '',
    'confuses user ids beyond ASCII': (userId) => userId.replaceAll('\u0430', 'a'),
  }).map(([what, read]): Fault => ({
    test: 'keeps private messages to their user',
    what: `a server that ${what}`,
    Host: withUserIds(read),
    says: /Expected the manager to find \[1,2,1,1\] .*, but it found \[[2-9],[3-9],[2-9],1\]/,
  })),
  {
    test: 'keeps private messages to their user',
    what: 'sockets that receive the messages of others',
    Host: class extends MemoryHost {
      #first: MemoryClient | undefined
      override client(): MemoryClient {
        const first = (this.#first ??= new MemoryClient())
        if (first.received.length === 0 && this.inner.connectionCount === 0) return first
        return new (class extends MemoryClient {
          override receive(text: string): void {
            super.receive(text)
            first.receive(text)
          }
        })()
      }
    },
    says: /Expected text \d of client 1 \(alice\) to be/,
  },
  {
    test: 'sends to one user alone',
    what: 'a manager that sends to all users',
    Host: withManager(({ inner }) => ({
      sendToUser(userId, message) {
        const result = inner.sendToUser(userId, message)
        for (const each of inner.userConnections.keys()) if (each !== userId) inner.sendToUser(each, { ...message, userId: null } as typeof message)
        return result
      },
    })),
    says: /Expected text \d of client \d \(\w+\) to be/,
  },
  {
    test: 'sends to one user alone',
    what: 'a manager that publishes instead',
    Host: withManager(({ inner }) => ({
      sendToUser: (userId, message) => inner.publish({ ...message, userId } as { streamType: 'ORDER_UPDATES'; userId: string; data: unknown }),
    })),
    says: /Expected the manager to find \[2\] recipients of 1 messages, but it found \[1\]/,
  },
]
