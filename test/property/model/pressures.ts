import type { ConnectionFact, Facts } from './facts.ts'
import type { Kind, ScriptedSocket } from './sockets.ts'

/** What becomes of a message that comes to a connection now, if nothing else happens meanwhile. */
export type Reception =
  /** It is handed on at once, or in the batch of this turn: it does not wait. */
  | 'passes'
  /** It waits until there is room again. */
  | 'waits'
  | 'unknown'

interface Pressure {
  behind: 'yes' | 'no' | 'perhaps'
  /** The turn in which it was found to have room, for all of it. */
  roomIn: number | 'unclear' | undefined
  /** Whether it had too much buffered then, which may have been of the turn before. */
  isInDoubt: boolean | 'unclear'
  /** Whether its socket may be sent to by way of a queue, and so be judged by turns, though it is sent to directly otherwise. */
  mayHaveQueue: boolean
}

/** More than the messages of two turns can be on any wire. */
const UNEXPLAINED_BYTES = 1e6

const MEASURED: readonly Kind[] = ['metered', 'polled', 'reporting', 'framed']

/**
 * Which connections are behind, by the rule of turns: whether there is room is found at the first message of a turn, and holds for all of it. What
 * was written in the turn before explains a buffer that is too full, once.
 *
 * A call that is made from within another happens at a moment that is not seen: what follows from it is unknown, until `stats()` tells how
 * many are behind.
 */
export class Pressures {
  readonly #facts: Facts
  readonly #softLimitBytes: number
  readonly #of = new Map<ConnectionFact, Pressure>()
  /** Which turn it is, of those in which something was delivered. */
  #turn = 1
  /** Whether this turn may have ended by a timer. */
  #isTurnUnclear = false

  constructor(facts: Facts, softLimitBytes: number) {
    this.#facts = facts
    this.#softLimitBytes = softLimitBytes
  }

  /** A message comes to a connection at this moment. */
  arrival(connection: ConnectionFact): Reception {
    const pressure = this.#pressureOf(connection)
    const isOver = this.isOver(connection)
    if (pressure.behind === 'no') return this.#isMeasured(connection) ? this.#judge(connection, pressure, isOver) : 'passes'
    // What is full may be handed on first, to have a place for it.
    if (pressure.behind === 'yes' && isOver) return 'waits'
    pressure.behind = 'perhaps'
    pressure.roomIn = 'unclear'
    return 'unknown'
  }

  /** One comes at some moment. */
  someArrival(connection: ConnectionFact): void {
    const pressure = this.#pressureOf(connection)
    const isOver = this.isOver(connection) && this.#isMeasured(connection)
    if (pressure.behind === 'no' && pressure.roomIn === this.#turn) return
    // What is full may be handed on first, to have a place for it.
    const isAsBefore = pressure.behind === 'no' ? !isOver : isOver
    if (!isAsBefore) pressure.behind = 'perhaps'
    pressure.roomIn = 'unclear'
    pressure.mayHaveQueue ||= isOver
  }

  /** A socket's buffer, or how many frames it accepts, is about to change in the middle of a call, and to this. */
  changesMeanwhile(connection: ConnectionFact, buffered: number): void {
    const wasOver = this.isOver(connection)
    const willBeOver = bytesOf(buffered) > this.#softLimitBytes
    const pressure = this.#pressureOf(connection)
    if (pressure.behind === 'no' ? wasOver || willBeOver : !wasOver || !willBeOver) pressure.behind = 'perhaps'
    pressure.roomIn = 'unclear'
    pressure.mayHaveQueue ||= wasOver || willBeOver
  }

  /** What waits may be handed on, or is for certain, if there is room. */
  handingOn(connection: ConnectionFact, isCertain: boolean): void {
    const pressure = this.#pressureOf(connection)
    const { accepts, nextSends } = connection.socket
    if (pressure.behind === 'no' || this.isOver(connection)) return
    const isAllTaken = isCertain && accepts === undefined && nextSends.length === 0
    pressure.roomIn = isAllTaken && pressure.behind === 'yes' ? this.#turn : 'unclear'
    pressure.isInDoubt = false
    pressure.mayHaveQueue &&= !isAllTaken
    pressure.behind = isAllTaken ? 'no' : 'perhaps'
  }

  /** A write did not accept everything: what it refused, and is wanted still, waits. */
  refused(connection: ConnectionFact, isWanted: boolean): void {
    const pressure = this.#pressureOf(connection)
    pressure.behind = isWanted ? 'yes' : 'perhaps'
    pressure.roomIn = 'unclear'
  }

  /** Something that was on its way is not wanted any more, could not be framed, or may not come. */
  lost(connection: ConnectionFact): void {
    const pressure = this.#pressureOf(connection)
    if (pressure.behind === 'yes') pressure.behind = 'perhaps'
    pressure.roomIn = 'unclear'
  }

  /** A turn ends in which something was delivered, and what waits is handed on as far as there is room. */
  turnEnds(): void {
    this.#turn++
    for (const connection of this.#facts.live) {
      const pressure = this.#pressureOf(connection)
      if (this.#isTurnUnclear) pressure.roomIn = 'unclear'
      if (pressure.behind === 'no') pressure.mayHaveQueue &&= this.isOver(connection)
      this.handingOn(connection, false)
    }
    this.#isTurnUnclear = false
  }

  /** Time has passed: those that are behind may have been asked for room, and the turn may have ended, if there was one. */
  timePassed(isTurnRunning: boolean): void {
    this.#isTurnUnclear ||= isTurnRunning
    for (const connection of this.#facts.live) {
      if (isTurnRunning) this.#pressureOf(connection).roomIn = 'unclear'
      this.handingOn(connection, false)
    }
  }

  /** Nothing is under way: so many are behind, which settles the doubtful where it can only be all of them, or none. */
  settle(connectionsBehind: number): string[] {
    const live = this.#facts.live.map((each) => this.#pressureOf(each))
    const certain = live.filter(({ behind }) => behind === 'yes').length
    const doubtful = live.filter(({ behind }) => behind === 'perhaps')
    const most = certain + doubtful.length
    if (connectionsBehind < certain || connectionsBehind > most)
      return [`${connectionsBehind} connections are behind, expected ${certain === most ? most : `${certain} to ${most}`}`]
    for (const pressure of doubtful) {
      if (connectionsBehind === certain) pressure.behind = 'no'
      else if (connectionsBehind === most) pressure.behind = 'yes'
    }
    return []
  }

  isBehindForCertain(connection: ConnectionFact): boolean {
    return this.#pressureOf(connection).behind === 'yes'
  }

  /** Whether something may wait for it by now, or from the next message on. */
  mayBeBehind(connection: ConnectionFact): boolean {
    return this.#pressureOf(connection).behind !== 'no' || this.isOver(connection) || connection.socket.accepts !== undefined
  }

  /** Whether it has more buffered than the limit. */
  isOver({ socket }: ConnectionFact): boolean {
    return MEASURED.includes(socket.kind) && bytesOf(socket.buffered) > this.#softLimitBytes
  }

  #judge(connection: ConnectionFact, pressure: Pressure, isOver: boolean): Reception {
    const { kind, buffered } = connection.socket
    if (kind === 'metered' && isOver && (pressure.mayHaveQueue || buffered < UNEXPLAINED_BYTES)) {
      pressure.mayHaveQueue = true
      pressure.behind = 'perhaps'
      return 'unknown'
    }
    if (kind === 'metered') return isOver ? this.#fallBehind(pressure) : 'passes'
    if (pressure.roomIn === this.#turn) return 'passes'
    const isUnclear = pressure.roomIn === 'unclear'
    if (isOver && (isUnclear || (pressure.isInDoubt === 'unclear' && pressure.roomIn === this.#turn - 1))) {
      pressure.behind = 'perhaps'
      pressure.roomIn = 'unclear'
      return 'unknown'
    }
    if (isOver && (pressure.isInDoubt === true || pressure.roomIn !== this.#turn - 1)) return this.#fallBehind(pressure)
    pressure.roomIn = this.#turn
    // It may have been found to have room earlier in this turn, when more was buffered.
    pressure.isInDoubt = isUnclear ? 'unclear' : isOver
    return 'passes'
  }

  #fallBehind(pressure: Pressure): Reception {
    pressure.behind = 'yes'
    return 'waits'
  }

  #isMeasured({ socket }: ConnectionFact): boolean {
    return MEASURED.includes(socket.kind) && this.#softLimitBytes < Infinity
  }

  #pressureOf(connection: ConnectionFact): Pressure {
    const known = this.#of.get(connection)
    if (known !== undefined) return known
    const pressure: Pressure = { behind: 'no', roomIn: undefined, isInDoubt: false, mayHaveQueue: false }
    this.#of.set(connection, pressure)
    return pressure
  }
}

/** A reading that makes no sense is none. */
function bytesOf(buffered: number): number {
  return buffered > 0 ? buffered : 0
}

/** What a text counts as against the limits, at a connection of this kind. */
export function unitsOf(text: string, { kind }: ScriptedSocket): number {
  return kind === 'framed' ? frameBytes(text) : text.length
}

/** How many bytes a frame says that it has. */
export function frameBytes({ length }: string | Uint8Array): number {
  return 2 * length + 1
}
