import { ConnectionManager, type Connection, type Socket, type StreamCatalogue, type Subscription } from '../../../../src/index.ts'
import type { Dice } from '../../../support/dice.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { Arguments } from './arguments.ts'
import { Menagerie, type Mischief } from './menagerie.ts'
import { Names } from './names.ts'
import { someSetting, type Setting } from './options.ts'
import { someSocket, type SocketCompany } from './sockets.ts'
import type { Wrapped } from './wrapping.ts'

/** What was handed out once, and may be held beyond its end: the last so many. */
export class Keepsakes<TItem> {
  readonly items: TItem[] = []
  readonly #capacity: number
  #next = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Keeps an item, and returns the one that had to go for it. */
  add(item: TItem): TItem | undefined {
    const at = this.#next++ % this.#capacity
    const displaced = this.items[at]
    this.items[at] = item
    return displaced
  }
}

/** What is handed out by a manager and kept by a caller, across managers. */
export class Keep {
  readonly handles = new Keepsakes<Connection>(120)
  readonly views = new Keepsakes<Subscription>(120)
  /** What ends the listening: of few, so that no call has to tell too many. */
  readonly ends = new Keepsakes<() => void>(12)
}

/** One manager, and what calls at it need: names that meet, arguments, sockets, what was kept, and time. */
export class Stage implements SocketCompany {
  readonly dice: Dice
  readonly keep: Keep
  readonly clock = new ManualClock()
  readonly menagerie: Menagerie
  readonly setting: Setting
  readonly names: Names
  readonly arguments: Arguments
  readonly manager: ConnectionManager<Socket, StreamCatalogue>
  readonly reenter: () => void
  readonly received = (message: unknown): void => this.#receive(typeof message === 'string' || message instanceof Uint8Array, 'What was sent is neither a text nor bytes')
  readonly written = (): void => this.#receive(true, '')
  readonly #object: (objection: string) => void
  readonly #sockets = new Keepsakes<Socket>(120)
  #mustBeSilent = false

  constructor(dice: Dice, keep: Keep, mischief: Mischief, object: (objection: string) => void) {
    this.dice = dice
    this.keep = keep
    this.reenter = mischief.reenter
    this.#object = object
    this.menagerie = new Menagerie(dice, mischief)
    this.setting = someSetting(this, this.clock)
    this.names = new Names(dice, this.menagerie, this.setting.streams)
    this.arguments = new Arguments(dice, this.menagerie, mischief, this.names, this.setting.streams)
    this.manager = new ConnectionManager<Socket, StreamCatalogue>(this.setting.options)
  }

  /** Says that something is as it must not be. */
  object(objection: string): void {
    this.#object(objection)
  }

  /** Holds a fact of the contract against what was answered. */
  expect(holds: boolean, objection: string): void {
    if (!holds) this.#object(objection)
  }

  /** Hands a wrapped argument over, and sees to it that each of its fields was read once. */
  give<TAnswer>({ value, readTwice }: Wrapped, call: (value: never) => TAnswer): TAnswer {
    try {
      return call(value as never)
    } finally {
      for (const name of readTwice()) this.#object(`The field ${name} of an argument was read twice`)
    }
  }

  /** A socket: a new one, one that is in use perhaps, or no socket at all. */
  socket(): unknown {
    const { dice } = this
    if (dice.chance(0.03)) return this.menagerie.value()
    if (dice.chance(0.05) && this.#sockets.items.length > 0) return dice.pick(this.#sockets.items)
    const socket = someSocket(this)
    this.#sockets.add(socket)
    return socket
  }

  /** A handle, of a connection that is live or gone; `undefined` as long as there never was any. */
  handle(): Connection<Socket, StreamCatalogue> | undefined {
    const { dice, keep } = this
    const id = dice.pick(this.names.connections)
    const live = dice.chance(0.85) ? this.manager.getConnection(id) : undefined
    return live ?? (keep.handles.items.length > 0 ? dice.pick(keep.handles.items as unknown as Connection<Socket, StreamCatalogue>[]) : undefined)
  }

  /** Notes that cleanup was called: from now on no socket may be sent to. */
  fallSilent(): void {
    this.#mustBeSilent = true
  }

  #receive(isRight: boolean, objection: string): void {
    if (!isRight) this.#object(objection)
    if (this.#mustBeSilent) this.#object('Something was sent after cleanup() had returned')
  }
}
