import { ConnectionManager, defineStreams, type Connection } from '../../../src/index.ts'
import { createCommandServer, type Session } from '../../../src/protocol/index.ts'
import { createRecovery } from '../../../src/recovery/index.ts'
import { Dice } from '../../support/dice.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { HOSTILE_IDS } from '../../support/hostile.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { ClientView, idsIn } from './expectations.ts'
import { generated } from './generating.ts'
import type { Grammar } from './grammar.ts'
import { mutated } from './mutating.ts'
import { matches } from './recognising.ts'

const streams = defineStreams({
  TRADES: { audience: 'public', symbol: 'required' },
  PRICE: { audience: 'public', symbol: 'required', delivery: 'latest' },
  NEWS: { audience: 'public', symbol: 'optional' },
  ORDERS: { audience: 'private' },
})
type Streams = typeof streams

const STREAM_TYPES = [...Object.keys(streams), 'NOTHING', '__proto__']
const SYMBOLS = ['A', 'B', '', 'constructor']
const COMMANDS = ['echo', 'later', 'never', 'fails', 'toString', 'subscribe']
const USERS = ['alice', 'bob']
const LIMITS = { textUnits: 2_000, commandsPerText: 20, pending: 10, burst: 60, perSecond: 20, maxRefusals: 100, commandTimeoutMs: 1_000 }
const SETTLED_AFTER = 30

interface Client {
  readonly connection: Connection<FakeSocket, Streams>
  readonly session: Session<FakeSocket, Streams>
  readonly view: ClientView
  readonly atOnce: Set<number>
  seen: number
}

/** How a round went. */
export interface Outcome {
  readonly fault: string | undefined
  readonly texts: number
  readonly frames: number
}

/** Plays one server, with random clients and texts. The same seed is the same round. */
export async function play(grammar: Grammar, seed: number, steps: number): Promise<Outcome> {
  const round = new Round(grammar, seed)
  try {
    for (let step = 0; step < steps; step++) await round.step()
    await round.end()
    return { ...round.counts, fault: undefined }
  } catch (error) {
    return { ...round.counts, fault: error instanceof Error ? String(error.stack) : String(error) }
  }
}

class Round {
  readonly counts = { texts: 0, frames: 0 }
  readonly #grammar: Grammar
  readonly #dice: Dice
  readonly #clock = new ManualClock()
  readonly #manager: ConnectionManager<FakeSocket, Streams>
  readonly #server
  readonly #clients: Client[] = []
  readonly #waiting: (() => void)[] = []
  readonly #log: string[] = []
  /** The commands that `authorize` has granted, and to whom. */
  readonly #granted = new Set<string>()
  /** Positions that clients have reached. */
  readonly #positions: string[] = []
  #connections = 0
  #ids = 0
  #asking = 0

  constructor(grammar: Grammar, seed: number) {
    this.#grammar = grammar
    this.#dice = new Dice(seed)
    const recovery = this.#dice.chance(0.5) ? createRecovery<Streams>({ randomEpoch: () => `e${++this.#connections}` }) : undefined
    this.#manager = new ConnectionManager<FakeSocket, Streams>({ streams, clock: this.#clock, recorder: recovery })
    this.#server = createCommandServer(this.#manager, {
      clock: this.#clock,
      recovery,
      limits: LIMITS,
      heartbeatMs: this.#dice.pick([0, 0, 0, 500]),
      authorize: ({ id, userId }) => this.#answer(this.#dice.chance(0.9), (isGranted) => isGranted && this.#granted.add(`${id} of ${userId}`)),
      onSubscribed: this.#dice.chance(0.2) ? () => this.#maybeFail() : undefined,
      commands: {
        echo: ({ data }) => data,
        later: ({ data }) => this.#answer(data),
        never: () => new Promise(() => {}),
        fails: () => {
          throw Object.assign(new Error(), { code: 'ERR_NOT_TODAY', retryMs: 10 })
        },
      },
      onError: (error) => {
        if ((error as { readonly expected?: boolean }).expected !== true) throw error
      },
    })
  }

  async step(): Promise<void> {
    const dice = this.#dice
    if (this.#clients.length === 0 || dice.chance(0.02)) return this.#connect()
    if (dice.chance(0.7)) this.#send(dice.pick(this.#clients))
    else await this.#happen()
    this.#look()
  }

  /** Everything that is under way ends. Then nothing may be open, and what clients believe is true. */
  async end(): Promise<void> {
    for (let i = 0; i < SETTLED_AFTER; i++) {
      for (const settle of this.#waiting.splice(0)) settle()
      await settled()
      this.#clock.advance(LIMITS.commandTimeoutMs)
    }
    this.#look()
    for (const client of this.#clients) this.#judge(client)
    for (const { connection } of this.#clients) void connection.remove()
    this.#assert(this.#server.sessions === 0, `${this.#server.sessions} sessions are left`)
    this.#assert(this.#manager.subscriptionCount === 0, `${this.#manager.subscriptionCount} subscriptions are left`)
  }

  #connect(): void {
    const connection = this.#manager.addConnection(`c${++this.#connections}`, new FakeSocket(), this.#dice.pick(USERS))
    const session = this.#server.open(connection)
    this.#clients.push({ connection, session, view: new ClientView(), atOnce: new Set(), seen: 0 })
  }

  #send({ session, view }: Client): void {
    const dice = this.#dice
    let text = generated(this.#grammar, 'input', dice, (name) => this.#hint(name))
    while (dice.chance(0.3)) text = mutated(text, dice)
    const ids = idsIn(text, LIMITS)
    // With an id twice, nobody could tell which answer is which.
    if (new Set(ids).size < ids.length || ids.some((id) => view.openIds.includes(id))) return
    this.#log.push(text)
    this.counts.texts++
    if (!session.connection.removed) view.sent(ids)
    session.receive(dice.chance(0.2) ? Buffer.from(text) : text)
    this.#assert(this.#asking <= this.#clients.length * LIMITS.pending, `${this.#asking} calls of authorize and commands at once`)
  }

  #hint(name: string): string | undefined {
    const dice = this.#dice
    if (name === 'id') return `,"id":${++this.#ids}`
    if (name === 'stream') return `,"stream_type":${JSON.stringify(dice.pick(STREAM_TYPES))},"symbol":${dice.chance(0.2) ? 'null' : JSON.stringify(dice.pick(SYMBOLS))}`
    if (name === 'own' && dice.chance(0.8)) return `{"command":"${dice.pick(COMMANDS)}","id":${++this.#ids},"data":${JSON.stringify(dice.pick(HOSTILE_IDS))}}`
    if (name === 'position' && this.#positions.length > 0 && dice.chance(0.8)) return JSON.stringify(dice.pick(this.#positions.slice(-20)))
    if (name === 'string') return JSON.stringify(dice.pick([...HOSTILE_IDS, ...COMMANDS, `e${dice.below(9)}:${dice.below(9)}`]))
    if (name === 'number') return String(dice.between(-1e9, 1e9))
    return name.startsWith('whole number') ? String(dice.below(2 ** 31)) : undefined
  }

  async #happen(): Promise<void> {
    const dice = this.#dice
    const { connection } = dice.pick(this.#clients)
    const [symbol, userId] = [dice.pick(['A', 'B']), dice.pick(USERS)]
    const acts = [
      () => this.#clock.advance(dice.pick([0, 0, 50, 400, 1_500])),
      () => this.#publish(symbol),
      () => this.#publish(symbol),
      () => this.#publish(symbol),
      () => void this.#manager.publish({ streamType: 'ORDERS', userId, data: 'x' }),
      () => this.#waiting.splice(dice.below(this.#waiting.length + 1), 1)[0]?.(),
      () => this.#waiting.splice(0).forEach((settle) => settle()),
      () => void this.#manager.revoke(dice.pick([{ userId }, { streamType: 'TRADES' as const }, { symbol }])),
      () => connection.removed || connection.reassign(userId),
      () => connection.removed || connection.unsubscribe({ streamType: 'TRADES', symbol }),
      () => void this.#manager.removeSubscription({ userId, streamType: 'TRADES', symbol }),
      () => void (dice.chance(0.1) && connection.remove()),
    ]
    dice.pick(acts)()
    await settled()
  }

  #publish(symbol: string): void {
    for (const streamType of ['TRADES', 'PRICE', 'NEWS'] as const) this.#manager.publish({ streamType, symbol, data: 'x' })
  }

  /** Answers at once, or when the round says so. `given` is called as the answer is. */
  #answer<TValue>(value: TValue, given: (value: TValue) => unknown = () => {}): TValue | Promise<TValue> {
    if (this.#dice.chance(0.5)) {
      given(value)
      return value
    }
    this.#asking++
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        this.#asking--
        given(value)
        resolve(value)
      })
    })
  }

  #maybeFail(): void {
    if (this.#dice.chance(0.3)) throw Object.assign(new Error('no snapshot'), { expected: true })
  }

  /** Checks what came since the last look. */
  #look(): void {
    for (const client of this.#clients) {
      const { sent } = client.connection.socket
      for (; client.seen < sent.length; client.seen++) this.#lookAt(sent[client.seen] as string, client)
    }
  }

  #lookAt(text: string, { atOnce, connection, seen, view }: Client): void {
    this.counts.frames++
    this.#assert(matches(this.#grammar, 'frame', text), `a frame is not of the grammar: ${text}`)
    const frame = JSON.parse(text) as Record<string, unknown>
    this.#assert((seen === 0) === (frame['type'] === 'welcome'), `the frame ${seen} is ${text}`)
    if (frame['type'] === 'pong' || frame['code'] === 'ERR_RATE_LIMITED' || frame['code'] === 'ERR_BUSY') atOnce.add(frame['id'] as number)
    this.#note(frame, connection.userId)
    const fault = view.see(frame)
    this.#assert(fault === undefined, String(fault))
  }

  #note({ type, id, position, epoch, seq }: Record<string, unknown>, userId: string): void {
    if (typeof position === 'string') this.#positions.push(position)
    if (type === undefined && epoch !== undefined) this.#positions.push(`${String(epoch)}:${String(seq)}`)
    this.#assert(type !== 'subscribed' || this.#granted.has(`${id} of ${userId}`), `command ${String(id)} subscribed without permission`)
  }

  #judge({ atOnce, connection, view }: Client): void {
    const disorder = view.disorder(atOnce)
    this.#assert(disorder === undefined, String(disorder))
    if (connection.removed) return
    this.#assert(view.openIds.length === 0, `no answer to ${view.openIds.join(', ')}`)
    const held = new Set(connection.subscriptions().map(({ subscription: { streamType, symbol } }) => JSON.stringify([streamType, symbol ?? null])))
    this.#assert([...held].sort().join() === [...view.held].sort().join(), `${connection.id} holds ${[...held].join()}, and was told ${[...view.held].join()}`)
  }

  #assert(isTrue: boolean, otherwise: string): void {
    if (!isTrue) throw new Error(`${otherwise}\nThe last texts were:\n${this.#log.slice(-10).join('\n')}`)
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}
