import type { Stats } from '../../../../src/index.ts'
import { MemoryClient, MemoryHost } from '../memory-host.ts'
import { withClients, withManager, without, type Fault, type Handle } from './fault.ts'

/** Its socket does not report its buffer. */
class Untelling extends MemoryClient {
  constructor() {
    super()
    Object.defineProperty(this.socket, 'bufferedAmount', { get: () => 0, set() {} })
  }
}

function withTotals(change: (totals: Stats) => Partial<Stats>): new () => MemoryHost {
  return withManager(({ inner }) => ({ stats: () => ({ ...inner.stats(), ...change(inner.stats()) }) }))
}

export const pressureFaults: readonly Fault[] = [
  {
    test: 'holds a stuck client back until it reads again',
    what: 'a client that does not pause',
    Host: withClients(
      class extends MemoryClient {
        override pause(): void {}
      },
    ),
    says: /Expected the client that does not read to be behind after 64 MiB/,
  },
  {
    test: 'holds a stuck client back until it reads again',
    what: 'a client that pauses only for a moment',
    Host: withClients(
      class extends MemoryClient {
        override carry(texts: readonly string[]): void {
          super.carry(texts)
          if (this.socket.bufferedAmount !== 0) setImmediate(() => super.resume())
        }
      },
    ),
    says: /Expected the client that does not read to be behind after 64 MiB/,
  },
  {
    test: 'holds a stuck client back until it reads again',
    what: 'a socket that does not report its buffer',
    Host: withClients(Untelling),
    says: /Expected the client that does not read to be behind after 64 MiB/,
  },
  {
    test: 'holds a stuck client back until it reads again',
    what: 'a network that loses messages to a paused client',
    Host: withClients(
      class extends MemoryClient {
        override resume(): void {
          this.discard()
          super.resume()
        }
      },
    ),
    says: /Expected text \d+ of client 1 \(alice\) to be/,
  },
  {
    test: 'holds a stuck client back until it reads again',
    what: 'a network that loses a price',
    Host: withClients(
      class extends MemoryClient {
        override receive(text: string): void {
          if (!text.includes('"PRICE","symbol":"BTCUSDT","data":[2,')) super.receive(text)
        }
      },
    ),
    says: /Expected \d+ messages to be sent, and only prices to be conflated; the totals are/,
  },
  {
    test: 'holds a stuck client back until it reads again',
    what: 'a network that repeats an old price',
    Host: withClients(
      class extends MemoryClient {
        #first = ''
        override receive(text: string): void {
          if (text.includes('"PRICE","symbol":"BTCUSDT","data":[0,')) this.#first = text
          super.receive(text)
          if (text.includes('"PRICE","symbol":"BTCUSDT","data":[2,')) super.receive(this.#first)
        }
      },
    ),
    says: /to be the wire form of .*\[3,.*, but it is .*\[0,/,
  },
  {
    test: 'holds a stuck client back until it reads again',
    what: 'a socket that drops prices',
    Host: withClients(
      class extends MemoryClient {
        override carry(texts: readonly string[]): void {
          super.carry(texts.filter((text) => !text.includes('"PRICE","symbol":"BTCUSDT","data":[')))
        }
      },
    ),
    says: /Expected the client that does not read to be behind after 64 MiB/,
  },
  {
    test: 'holds a stuck client back until it reads again',
    what: 'a socket that loses a trade',
    Host: withClients(
      class extends MemoryClient {
        override carry(texts: readonly string[]): void {
          super.carry(texts.filter((text) => !text.includes('"TRADES","symbol":"BTCUSDT","data":3,')))
        }
      },
    ),
    says: /of client 1 \(alice\) to be the wire form of .*3.*, but it is .*4/,
  },
  {
    test: 'holds a stuck client back until it reads again',
    what: 'a client that does not resume',
    Host: withClients(
      class extends MemoryClient {
        override resume(): void {}
      },
    ),
    says: /Expected that client 1 \(alice\) receives all that is due/,
  },
  {
    test: 'holds a stuck client back until it reads again',
    what: 'a manager with wrong counts',
    Host: withManager(({ inner }) => ({ stats: () => ({ ...inner.stats(), sent: inner.stats().sent - 1 }) })),
    says: /Expected the totals to account for every message; they are/,
  },
  {
    test: 'holds a stuck client back until it reads again',
    what: 'a manager that conflates nothing',
    Host: withTotals(({ matched, conflated }) => ({ matched: matched - conflated, conflated: 0 })),
    says: /Expected \d+ messages to be sent, and only prices to be conflated; .*"conflated":0/,
  },
  ...(['dropped', 'failed', 'skipped', 'purged'] as const).map((lost): Fault => ({
    test: 'holds a stuck client back until it reads again',
    what: `a manager with one message ${lost}`,
    Host: withTotals((totals) => ({ matched: totals.matched + 1, [lost]: 1 })),
    says: new RegExp(`only prices to be conflated; .*"${lost}":1`),
  })),
  {
    test: 'ends a client that stays stuck',
    what: 'a server that never removes a client',
    Host: withClients(Untelling),
    says: /Expected the client that does not read to be disconnected after 64 MiB of trades/,
  },
  {
    test: 'ends a client that stays stuck',
    what: 'a socket that cannot be closed',
    Host: withClients(
      class extends MemoryClient {
        override terminateByServer(): void {}
      },
    ),
    says: /Expected that client 1 \(alice\) sees its connection end/,
  },
  {
    test: 'ends a client that stays stuck',
    what: 'a server that removes the client before messages wait',
    Host: withClients(
      class extends MemoryClient {
        override pause(): void {
          super.pause()
          setImmediate(() => this.leave())
        }
      },
    ),
    says: /Expected the first message past 1 MiB to disconnect the stuck client; the totals are/,
  },
  {
    test: 'ends a client that stays stuck',
    what: 'a manager that queues two messages too many',
    Host: withTotals(({ mostWaitingBytes }) => ({ mostWaitingBytes: mostWaitingBytes + 2 * 64 * 1_024 })),
    says: /Expected the first message past 1 MiB to disconnect the stuck client; the totals are/,
  },
  {
    test: 'ends a client that stays stuck',
    what: 'a socket that writes in the wrong order before it closes',
    Host: withClients(
      class extends MemoryClient {
        #held: readonly string[] = []
        override carry(texts: readonly string[]): void {
          if (!texts.some((text) => text.includes('"symbol":"BTCUSDT"'))) return super.carry(texts)
          const isFirst = this.#held.length === 0
          if (!isFirst) super.carry([...texts, ...this.#held])
          this.#held = isFirst ? texts : []
        }
        override discard(): void {}
      },
    ),
    says: /of client 1 \(alice\) to be/,
  },
  {
    test: 'cleans up after a stuck client that vanishes',
    what: 'a server that does not notice a vanished client with unsent messages',
    Host: withClients(
      class extends MemoryClient {
        override leave(): void {
          if (this.socket.bufferedAmount === 0) super.leave()
        }
      },
    ),
    says: /the manager counts .*"connections":1,.*, but got .*"connections":2,/,
  },
  {
    test: 'lets no answers pile up for a client that does not read',
    what: 'a server whose answers bypass the limits',
    Host: class extends MemoryHost {
      override answer({ socket }: Handle, text: string): void {
        socket.send(text)
      }
    },
    says: /Expected a limit for the answers to a client that does not read, but there was none after 196608 requests/,
  },
  {
    test: 'lets no answers pile up for a client that does not read',
    what: 'a server that disconnects clients with many requests, even if they read',
    Host: class extends MemoryHost {
      override answer(): void {
        for (const connection of [...this.inner.connections()]) void connection.remove()
      }
    },
    says: /Expected that client 2 \(bob\) receives all that is due|the manager counts .*"connections":1,/,
  },
  {
    test: 'removes a client that falls silent',
    what: 'a server without a heartbeat',
    Host: class extends MemoryHost {
      override beat(): void {}
    },
    says: /the manager counts .*"connections":1,.*, but got .*"connections":2,/,
  },
  {
    test: 'removes a client that falls silent',
    what: 'a server whose heartbeat removes all clients',
    Host: class extends MemoryHost {
      override beat(): void {
        for (const [connection, client] of this.clients) this.end(connection, client)
      }
    },
    says: /the manager counts .*"connections":2,.*, but got .*"connections":0,/,
  },
  {
    test: 'removes a client that falls silent',
    what: 'a server whose heartbeat removes the other clients',
    Host: class extends MemoryHost {
      override beat(): void {
        if ([...this.clients.values()].every(({ isAlive }) => isAlive)) return
        for (const [connection, client] of this.clients) this.end(connection, client)
      }
    },
    says: /Expected that client 2 \(bob\) receives all that is due|the manager counts .*"connections":1,.*, but got .*"connections":0,/,
  },
  { test: 'removes a client that falls silent', what: 'a harness without a heartbeat', Host: without('beat'), says: /This test requires the harness to have `beat`/ },
  { test: 'removes a client that falls silent', what: 'clients that cannot fall silent', Host: without('freeze'), says: /This test requires the harness to have `freeze`/ },
]
