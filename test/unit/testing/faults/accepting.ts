import { ConnectionManager, type StreamReference } from '../../../../src/index.ts'
import type { FakeSocket } from '../../../../src/testing/fake-socket.ts'
import { MemoryHost, type MemoryClient } from '../memory-host.ts'
import type { Fault, Handle } from './fault.ts'

const shared = new ConnectionManager<FakeSocket>()
let sharedIds = 0

export const acceptingFaults: readonly Fault[] = [
  {
    test: 'registers a client that connects',
    what: 'a server that registers nobody',
    Host: class extends MemoryHost {
      override admit(client: MemoryClient, userId: string): Handle {
        const connection = super.admit(client, userId)
        void connection.remove({ close: false })
        return connection
      }
      override subscribe(): void {}
    },
    says: /the manager counts .*"connections":1.*, but got .*"connections":0/,
  },
  {
    test: 'registers a client that connects',
    what: 'a server that gives every client a user of its own',
    Host: class extends MemoryHost {
      #count = 0
      override admit(client: MemoryClient, userId: string): Handle {
        return super.admit(client, `${userId}${this.#count++}`)
      }
    },
    says: /the manager counts .*"connections":2,"users":1.*, but got .*"users":2/,
  },
  {
    test: 'registers a client that connects',
    what: 'a server that does not subscribe',
    Host: class extends MemoryHost {
      override subscribe(): void {}
    },
    says: /the manager counts .*"subscriptions":2.*, but got .*"subscriptions":0/,
  },
  {
    test: 'registers a client that connects',
    what: 'a server that does not start',
    Host: class extends MemoryHost {
      constructor() {
        super()
        throw new Error('the port is taken')
      }
    },
    says: /the port is taken/,
  },
  {
    test: 'registers a client that connects',
    what: 'a server that answers no client',
    Host: class extends MemoryHost {
      override connect(): Promise<never> {
        return new Promise(() => {})
      }
    },
    says: /Expected that client 1 \(alice\) connects within 10000 ms, but it did not happen/,
  },
  {
    test: 'registers a client that connects',
    what: 'a server that does not stop',
    Host: class extends MemoryHost {
      override stop(): Promise<never> {
        return new Promise(() => {})
      }
    },
    says: /Expected that the server stops within 10000 ms, but it did not happen/,
  },
  {
    test: 'subscribes a client to streams by symbol',
    what: 'a server that changes symbols',
    Host: class extends MemoryHost {
      override subscribe(connection: Handle, { streamType, symbol }: StreamReference): void {
        super.subscribe(connection, { streamType, symbol: symbol?.toLowerCase() })
      }
    },
    says: /Expected the manager to find \[1,1,0\] recipients of 3 messages, but it found \[0,0,0\]/,
  },
  {
    test: 'subscribes a client to streams by symbol',
    what: 'a server that also subscribes to other streams of the same symbol',
    Host: class extends MemoryHost {
      override subscribe(connection: Handle, stream: StreamReference): void {
        super.subscribe(connection, stream)
        super.subscribe(connection, { ...stream, streamType: 'ORDERBOOK' })
      }
    },
    says: /Expected the manager to find \[1,1,0\] .*, but it found \[1,1,1\]/,
  },
  {
    test: 'delivers what is published as soon as a client is connected',
    what: 'a server that confirms a subscription before it is made',
    Host: class extends MemoryHost {
      override subscribe(connection: Handle, stream: StreamReference): void {
        setImmediate(() => connection.removed || super.subscribe(connection, stream))
      }
    },
    says: /Expected the manager to find \[1\] recipients of 1 messages, but it found \[0\]/,
  },
  {
    test: 'accepts a client that comes back',
    what: 'a server that removes all connections of a user when one client leaves',
    Host: class extends MemoryHost {
      override removeGone({ userId }: Handle): void {
        setImmediate(() => void this.inner.removeUser(userId))
      }
    },
    says: /the manager counts .*"connections":1,.*, but got .*"connections":0,/,
  },
  {
    test: 'keeps two servers apart',
    what: 'servers that share a manager',
    Host: class extends MemoryHost {
      override readonly inner = shared
      override admit({ socket }: MemoryClient, userId: string): Handle {
        return shared.addConnection(`c${sharedIds++}`, socket, userId)
      }
    },
    says: /Expected the manager to find \[1\] recipients of 1 messages, but it found \[2\]/,
  },
]
