import { serializeStreamMessage, type StreamReference } from '../../../../src/index.ts'
import { MemoryClient, MemoryHost } from '../memory-host.ts'
import { withClients, withManager, type Fault, type Handle } from './fault.ts'

/** The ways to change a text before it is sent, and the texts to change. */
const SPOILED: Readonly<Record<string, (text: string) => string>> = {
  'supports only the first plane of Unicode': (text) => text.replaceAll(/[\ud800-\udfff]/g, '?'),
  'supports only Latin letters': (text) => text.replaceAll(/[\u0600-\u06ff]/g, '?'),
  'normalizes letters to another form': (text) => text.normalize('NFD'),
  'replaces line separators with line ends': (text) => text.replaceAll(/[\u2028\u2029]/g, '\n'),
  'drops byte order marks': (text) => text.replaceAll('\ufeff', ''),
  'ends a text at a NUL': (text) => text.replaceAll('\\u0000', ''),
  'ends a record at its separator': (text) => text.replaceAll('\\u001e', ''),
  'unescapes line ends': (text) => text.replaceAll('\\n', '\n'),
  'repairs half a surrogate pair': (text) => text.replaceAll(/\\ud83d|\\udc4d/g, '\ufffd'),
  'escapes for HTML': (text) => text.replaceAll('<', '&lt;'),
  'decodes percent signs that encode nothing': (text) => text.replaceAll('%00', '\0'),
  'formats numbers differently': (text) => text.replaceAll('1e+21', '1e21'),
  'supports only the first 128 characters': (text) => text.replaceAll('\u00ff', 'y'),
  'truncates texts with many bytes per character': (text) => (Buffer.byteLength(text) > 300_000 ? text.slice(0, 99_999) : text),
}

const MEBIBYTE = 1_048_576

/** Its socket loses the part of a turn beyond a megabyte. */
class FrugalClient extends MemoryClient {
  #units = 0
  #bursts = 0

  override carry(texts: readonly string[]): void {
    for (const text of texts) {
      if (this.#units === 0) setImmediate(() => (this.#units = 0))
      if (this.#units <= MEBIBYTE && (this.#units += text.length) > MEBIBYTE) this.#bursts++
      if (this.#units <= MEBIBYTE || !this.isFrugal(this.#bursts)) super.carry([text])
      else this.refuse()
    }
  }

  protected isFrugal(burst: number): boolean {
    return burst > 0
  }

  protected refuse(): void {}
}

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
    what: 'a manager that omits results',
    Host: withManager(({ inner }) => ({ publish: (messages) => messages.map((message) => inner.publish(message)).slice(0, -1) })),
    says: /Expected the manager to find .* recipients of 12 messages, but it found/,
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
    says: /Expected text 2 of client 1 \(alice\) to be the wire form of .*, but it is/,
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
    says: /Expected text \d+ of client 1 \(alice\) to be absent, because everything .*, but it is .*MARKER/,
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
    says: /Expected text 7 of client 1 \(alice\) to be the wire form of .*, but it is/,
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
    says: /Expected that client 1 \(alice\) receives all that is due within 10000 ms, but got \d+ texts, and 1 missing/,
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
  ...Object.entries(SPOILED).map(([what, spoil]): Fault => ({
    test: 'delivers any text unchanged',
    what: `a socket that ${what}`,
    Host: withClients(
      class extends MemoryClient {
        override receive(text: string): void {
          super.receive(spoil(text))
        }
      },
    ),
    says: /to be the wire form of/,
  })),
  ...[125, 126, 127, 65_535, 65_536, 65_537, 300_000].map((bytes): Fault => ({
    test: 'delivers any text unchanged',
    what: `a socket that corrupts the header of a frame of ${bytes} bytes`,
    Host: withClients(
      class extends MemoryClient {
        override receive(text: string): void {
          super.receive(Buffer.byteLength(text) === bytes ? text.slice(1) : text)
        }
      },
    ),
    says: /to be .*, but it is "\\"stream_type/,
  })),
  {
    test: 'delivers any text unchanged',
    what: 'a socket that formats the JSON of the same data differently',
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
    what: 'a socket that does not send JSON',
    Host: withClients(
      class extends MemoryClient {
        override receive(): void {
          super.receive('[object Object]')
        }
      },
    ),
    says: /to be .*, but it is "\[object Object\]"/,
  },
  {
    test: 'delivers any text unchanged',
    what: 'a socket that truncates long texts',
    Host: withClients(
      class extends MemoryClient {
        override receive(text: string): void {
          super.receive(text.slice(0, 65_536))
        }
      },
    ),
    says: /to be .*, but it is .*… \(\d+ units\)/,
  },
  {
    test: 'delivers a burst of one tick whole and in order',
    what: 'a socket that accepts only a fixed number of texts of a write',
    Host: withClients(
      class extends MemoryClient {
        override carry(texts: readonly string[]): void {
          super.carry(texts.slice(0, 100))
        }
      },
    ),
    says: /Expected text \d+ of client \d \(\w+\) to be the wire form of/,
  },
  ...([['from the first turn on', 1], ['later', 2]] as const).map(([when, due]): Fault => ({
    test: 'delivers a burst of one tick whole and in order',
    what: `a socket that accepts no more than a megabyte a turn, ${when}`,
    Host: withClients(
      class extends FrugalClient {
        protected override isFrugal(burst: number): boolean {
          return burst >= due
        }
      },
    ),
    says: /Expected text \d+ of client \d \(\w+\) to be the wire form of|client \d \(\w+\) receives all that is due/,
  })),
  {
    test: 'delivers a burst of one tick whole and in order',
    what: 'a server that disconnects a client after a megabyte in one turn',
    Host: withClients(
      class extends FrugalClient {
        protected override refuse(): void {
          this.leave()
        }
      },
    ),
    says: /client \d \(\w+\) receives all that is due|Expected the manager to find/,
  },
  {
    test: 'delivers what is published right before its shutdown',
    what: 'a socket that is closed before its buffer is sent',
    Host: withClients(
      class extends MemoryClient {
        override carry(texts: readonly string[]): void {
          setImmediate(() => this.hasEnded || super.carry(texts))
        }
      },
    ),
    says: /receives all that is due/,
  },
  {
    test: 'delivers what is published right before its shutdown',
    what: 'a socket that buffers no more than a megabyte',
    Host: withClients(FrugalClient),
    says: /receives all that is due/,
  },
  {
    test: 'delivers what is published right before its shutdown',
    what: 'a manager that loses its last messages',
    Host: withManager(({ inner }) => ({ cleanup: () => inner.cleanup() })),
    says: /receives all that is due/,
  },
  {
    test: 'delivers what is published right before its shutdown',
    what: 'a manager that skips a recipient',
    Host: withManager(({ inner }) => ({
      cleanup: async () => {
        void inner.getConnection('c1')?.remove({ close: false })
        return inner.cleanup()
      },
    })),
    says: /Expected the cleanup report to count 2 closed connections, but it is .*"closed":1/,
  },
  {
    test: 'delivers a burst of one tick whole and in order',
    what: 'a socket that reorders messages within a stream',
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
    says: /to be the wire form of .*30.*, but it is .*31/,
  },
  {
    test: 'delivers a burst of one tick whole and in order',
    what: 'a socket that delivers another client\'s messages',
    Host: withClients(
      class extends MemoryClient {
        override receive(text: string): void {
          if (text.includes('"TRADES"')) super.receive(serializeStreamMessage({ streamType: 'PRICE', symbol: 'X', data: 1 }))
          super.receive(text)
        }
      },
    ),
    says: /Expected text \d+ of client \d \(\w+\) to be absent, because nothing of its stream .*, but it is .*PRICE/,
  },
  {
    test: 'serves the others while clients leave',
    what: 'a server that loses messages in flight when a client leaves',
    Host: class extends MemoryHost {
      #hasLost = false
      override removeGone(connection: Handle): void {
        super.removeGone(connection)
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
