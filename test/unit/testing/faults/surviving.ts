import { MemoryHost, type MemoryClient } from '../memory-host.ts'
import { without, type Fault, type Handle } from './fault.ts'

const TEXTS = 'goes on serving whatever text a client sends'
const BYTES = 'goes on serving whatever bytes a client sends'
const LEFT = 'registers no client that left before it was accepted'

/** A server that shuts down when it is sent such a text. */
function shuttingDownOn(isFatal: (text: string) => boolean): new () => MemoryHost {
  return class extends MemoryHost {
    override obey(connection: Handle, text: string): void {
      if (isFatal(text)) void this.inner.cleanup()
      else super.obey(connection, text)
    }
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

export const survivingFaults: readonly Fault[] = [
  ...Object.entries<(text: string) => boolean>({
    'is not JSON': (text) => !isJson(text),
    'is empty': (text) => text === '',
    'is JSON but not an object': (text) => isJson(text) && Object(JSON.parse(text)) !== JSON.parse(text),
    'is null': (text) => text === 'null',
    'is a list': (text) => isJson(text) && Array.isArray(JSON.parse(text)),
    'is an object without a command': (text) => text === '{}',
    'names no stream': (text) => text === '{"command":"subscribe"}',
    'has an object as its stream type': (text) => text.includes('"streamType":{}'),
    'is nested': (text) => text.startsWith('[[[['),
    'has a megabyte': (text) => text.length >= 1_048_576,
  }).map(([what, isFatal]): Fault => ({
    test: TEXTS,
    what: `a server that shuts down on a text that ${what}`,
    Host: shuttingDownOn(isFatal),
    says: /the manager counts .*"connections":1,.*, but got .*"connections":0,|The ConnectionManager|closed|cleaned up/,
  })),
  ...Object.entries<(text: string) => boolean>({
    'forwards all texts of its clients': () => true,
    'forwards messages of its clients': (text) => text.includes('"stream_type":"TRADES"') && text.includes('of a client'),
    'forwards private messages of its clients': (text) => text.includes('"user_id":"alice"'),
    'forwards gap notices of its clients': (text) => text.includes('"gap"'),
  }).map(([what, isPassedOn]): Fault => ({
    test: TEXTS,
    what: `a server that ${what}`,
    Host: class extends MemoryHost {
      override obey(connection: Handle, text: string): void {
        if (isPassedOn(text)) for (const { socket } of this.inner.connections()) socket.send(text)
        super.obey(connection, text)
      }
    },
    says: /Expected text \d+ of client 1 \(alice\) to be/,
  })),
  {
    test: TEXTS,
    what: 'a server that keeps a connection whose client sent an invalid text',
    Host: class extends MemoryHost {
      #isSpoiled = false
      override obey(connection: Handle, text: string): void {
        this.#isSpoiled ||= !isJson(text)
        super.obey(connection, text)
      }
      override removeGone(connection: Handle): void {
        if (!this.#isSpoiled) super.removeGone(connection)
      }
    },
    says: /the manager counts .*"connections":1,.*, but got .*"connections":2,/,
  },
  { test: TEXTS, what: 'a harness whose clients cannot send', Host: without('send'), says: /This test requires the harness to have `send`/ },
  {
    test: BYTES,
    what: 'a server that shuts down on unreadable bytes',
    Host: class extends MemoryHost {
      override refuseBytes(): void {
        void this.inner.cleanup()
      }
    },
    says: /the manager counts .*"connections":1,.*, but got .*"connections":0,/,
  },
  {
    test: BYTES,
    what: 'a server that disconnects all clients on unreadable bytes',
    Host: class extends MemoryHost {
      override refuseBytes(connection: Handle, client: MemoryClient): void {
        super.refuseBytes(connection, client)
        for (const each of [...this.inner.connections()]) void each.remove()
      }
    },
    says: /the manager counts .*"connections":1,.*, but got .*"connections":0,/,
  },
  { test: BYTES, what: 'a harness whose clients cannot send bytes', Host: without('sendBytes'), says: /This test requires the harness to have `sendBytes`/ },
  {
    test: LEFT,
    what: 'a server that registers a client that has left',
    Host: class extends MemoryHost {
      override async accept(client: MemoryClient, userId: string, subscriptions: Parameters<MemoryHost['accept']>[2]): Promise<void> {
        await this.authenticate()
        const connection = this.admit(client, userId)
        client.onGone = () => this.removeGone(connection)
        for (const stream of subscriptions) this.subscribe(connection, stream)
      }
    },
    says: /the manager counts .*"connections":2,.*, but got .*"connections":12,/,
  },
  {
    test: LEFT,
    what: 'a server that subscribes the user of a client that has left',
    Host: class extends MemoryHost {
      override async accept(...[client, userId, subscriptions]: Parameters<MemoryHost['accept']>): Promise<void> {
        if (userId === 'alice') this.inner.addSubscription({ userId, streamType: 'PRICE', symbol: 'BTCUSDT' })
        await super.accept(client, userId, subscriptions)
      }
    },
    says: /the manager counts .*"subscriptions":\d,.*, but got/,
  },
  { test: LEFT, what: 'a harness without connectAndLeave', Host: without('connectAndLeave'), says: /This test requires the harness to have `connectAndLeave`/ },
]
