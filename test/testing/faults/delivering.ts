import { serializeStreamMessage, type StreamReference } from '../../../src/index.ts'
import { MemoryClient, MemoryHost } from '../memory-host.ts'
import { withClients, withManager, type Fault, type Handle } from './fault.ts'

export const deliveringFaults: readonly Fault[] = [
  {
    test: 'delivers each message to exactly its subscribers',
    what: 'a server that subscribes users, not connections',
    Host: class extends MemoryHost {
      override subscribe({ userId }: Handle, { streamType, symbol }: StreamReference): void {
        this.inner.addSubscription({ userId, streamType: streamType as 'PRICE', symbol: symbol as string })
      }
    },
    says: /Expected the manager to find .* recipients of 12 messages/,
  },
  {
    test: 'delivers each message to exactly its subscribers',
    what: 'a manager that leaves out what it answers',
    Host: withManager(({ inner }) => ({ publish: (messages) => messages.map((message) => inner.publish(message)).slice(1) })),
    says: /Expected the manager to find .* recipients of 12 messages; it found/,
  },
  {
    test: 'delivers each message to exactly its subscribers',
    what: 'a socket that sends every text twice',
    Host: withClients(
      class extends MemoryClient {
        override receive(text: string): void {
          super.receive(text)
          super.receive(text)
        }
      },
    ),
    says: /Expected text 2 of client 1 \(alice\) to be the wire form of .*; it is/,
  },
  {
    test: 'delivers each message to exactly its subscribers',
    what: 'a socket that sends the last text twice',
    Host: withClients(
      class extends MemoryClient {
        override receive(text: string): void {
          super.receive(text)
          if (text.includes('MARKER')) super.receive(text)
        }
      },
    ),
    says: /Expected text \d+ of client 1 \(alice\) to be nothing more; it is .*MARKER/,
  },
  {
    test: 'delivers each message to exactly its subscribers',
    what: 'a socket that loses a text',
    Host: withClients(
      class extends MemoryClient {
        #count = 0
        override receive(text: string): void {
          if (++this.#count !== 7) super.receive(text)
        }
      },
    ),
    says: /Expected text 7 of client 1 \(alice\) to be the wire form of .*; it is/,
  },
  {
    test: 'delivers each message to exactly its subscribers',
    what: 'a socket that loses the last text',
    Host: withClients(
      class extends MemoryClient {
        override receive(text: string): void {
          if (!text.includes('MARKER')) super.receive(text)
        }
      },
    ),
    says: /Expected that client 1 \(alice\) receives all that is due, within 10000 ms: there was \d+ texts, and 1 missing/,
  },
  {
    test: 'delivers each message to exactly its subscribers',
    what: 'a socket that writes the texts of a tick in the wrong order',
    Host: withClients(
      class extends MemoryClient {
        override carry(texts: readonly string[]): void {
          super.carry(texts.toReversed())
        }
      },
    ),
    says: /Expected text \d+ of client 1 \(alice\) to be the wire form of/,
  },
  {
    test: 'delivers any text unchanged',
    what: 'a socket that knows the first plane of Unicode alone',
    Host: withClients(
      class extends MemoryClient {
        override receive(text: string): void {
          super.receive(text.replaceAll(/[\ud800-\udfff]/g, '?'))
        }
      },
    ),
    says: /to be .*; it is ".*\?\?/,
  },
  {
    test: 'delivers any text unchanged',
    what: 'a socket that makes JSON of its own of the same data',
    Host: withClients(
      class extends MemoryClient {
        override receive(text: string): void {
          super.receive(JSON.stringify(JSON.parse(text), undefined, 1))
        }
      },
    ),
    says: /to be the wire form of/,
  },
  {
    test: 'delivers any text unchanged',
    what: 'a socket that sends something else than JSON',
    Host: withClients(
      class extends MemoryClient {
        override receive(): void {
          super.receive('[object Object]')
        }
      },
    ),
    says: /to be .*; it is "\[object Object\]"/,
  },
  {
    test: 'delivers any text unchanged',
    what: 'a socket that cuts long texts',
    Host: withClients(
      class extends MemoryClient {
        override receive(text: string): void {
          super.receive(text.slice(0, 65_536))
        }
      },
    ),
    says: /to be .*; it is .*… \(\d+ units\)/,
  },
  {
    test: 'delivers a burst of one tick whole and in order',
    what: 'a socket that takes so many texts of a write, and no more',
    Host: withClients(
      class extends MemoryClient {
        override carry(texts: readonly string[]): void {
          super.carry(texts.slice(0, 100))
        }
      },
    ),
    says: /Expected text \d+ of client 1 \(alice\) to be the wire form of/,
  },
  {
    test: 'delivers a burst of one tick whole and in order',
    what: 'a socket that overtakes within a stream',
    Host: withClients(
      class extends MemoryClient {
        #held = ''
        override receive(text: string): void {
          if (text.includes('"TRADES","symbol":"BTCUSDT","data":30,')) return void (this.#held = text)
          super.receive(text)
          if (text.includes('"TRADES","symbol":"BTCUSDT","data":31,')) super.receive(this.#held)
        }
      },
    ),
    says: /to be the wire form of .*30.*; it is .*31/,
  },
  {
    test: 'delivers a burst of one tick whole and in order',
    what: 'a socket that brings what belongs to somebody else',
    Host: withClients(
      class extends MemoryClient {
        override receive(text: string): void {
          if (text.includes('"TRADES"')) super.receive(serializeStreamMessage({ streamType: 'PRICE', symbol: 'X', data: 1 }))
          super.receive(text)
        }
      },
    ),
    says: /Expected text \d+ of client \d \(\w+\) to be nothing of its stream; it is .*PRICE/,
  },
  {
    test: 'serves the others while clients leave',
    what: 'a server that loses what is on its way when somebody leaves',
    Host: class extends MemoryHost {
      #hasLost = false
      override dismiss(connection: Handle): void {
        super.dismiss(connection)
        this.#hasLost = true
      }
      override client(): MemoryClient {
        const isLosing = (): boolean => this.#hasLost
        return new (class extends MemoryClient {
          override receive(text: string): void {
            if (!isLosing() || text.includes('MARKER')) super.receive(text)
          }
        })()
      }
    },
    says: /of client \d \(\w+\) to be|Expected that client \d \(\w+\) receives all that is due/,
  },
]
