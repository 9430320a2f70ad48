import { serializeStreamMessage, type StreamReference } from '../../../../src/index.ts'
import { MemoryClient, MemoryHost } from '../memory-host.ts'
import { withClients, withManager, type Fault, type Handle } from './fault.ts'

/** What can happen to a text on its way, and to what in it. */
const SPOILED: Readonly<Record<string, (text: string) => string>> = {
  'knows the first plane of Unicode alone': (text) => text.replaceAll(/[\ud800-\udfff]/g, '?'),
  'knows Latin letters alone': (text) => text.replaceAll(/[\u0600-\u06ff]/g, '?'),
  'composes letters by a form of its own': (text) => text.normalize('NFD'),
  'takes a separator of lines for the end of one': (text) => text.replaceAll(/[\u2028\u2029]/g, '\n'),
  'drops what looks like a mark of the byte order': (text) => text.replaceAll('\ufeff', ''),
  'ends a text at a NUL': (text) => text.replaceAll('\\u0000', ''),
  'ends a record at its separator': (text) => text.replaceAll('\\u001e', ''),
  'takes the ends of lines for its own': (text) => text.replaceAll('\\n', '\n'),
  'repairs half a surrogate pair': (text) => text.replaceAll(/\\ud83d|\\udc4d/g, '\ufffd'),
  'escapes for HTML': (text) => text.replaceAll('<', '&lt;'),
  'decodes what is not encoded': (text) => text.replaceAll('%00', '\0'),
  'writes numbers in its own way': (text) => text.replaceAll('1e+21', '1e21'),
  'has no letters beyond the first 128': (text) => text.replaceAll('\u00ff', 'y'),
  'cuts what has many bytes a letter': (text) => (Buffer.byteLength(text) > 300_000 ? text.slice(0, 99_999) : text),
}

const MEBIBYTE = 1_048_576

/** Its socket loses what is more than a megabyte of one turn. */
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
    what: 'a manager that leaves out what it answers',
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
    what: `a socket that gets the head of a frame of ${bytes} bytes wrong`,
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
    says: /to be .*, but it is "\[object Object\]"/,
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
    says: /to be .*, but it is .*… \(\d+ units\)/,
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
    says: /Expected text \d+ of client \d \(\w+\) to be the wire form of/,
  },
  ...([['as soon as it is connected', 1], ['later', 2]] as const).map(([when, due]): Fault => ({
    test: 'delivers a burst of one tick whole and in order',
    what: `a socket that takes no more than a megabyte a turn, ${when}`,
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
    what: 'a server that ends who is sent more than a megabyte in a turn',
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
    what: 'a socket that is closed before what it holds is sent',
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
    what: 'a socket that takes no more than a megabyte on its way out',
    Host: withClients(FrugalClient),
    says: /receives all that is due/,
  },
  {
    test: 'delivers what is published right before its shutdown',
    what: 'a manager that forgets its last messages',
    Host: withManager(({ inner }) => ({ cleanup: () => inner.cleanup() })),
    says: /receives all that is due/,
  },
  {
    test: 'delivers what is published right before its shutdown',
    what: 'a manager that leaves somebody out',
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
    says: /to be the wire form of .*30.*, but it is .*31/,
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
    says: /Expected text \d+ of client \d \(\w+\) to be absent, because nothing of its stream .*, but it is .*PRICE/,
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
