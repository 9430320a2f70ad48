import { setImmediate, setTimeout } from 'node:timers/promises'
import { placeOf } from './plan.js'

/** @import { ClientProcess } from './client-process.js' */
/** @import { Plan, Slot, Stall } from './plan.js' */
/** @import { ClientSocket, MarketServer } from './server.js' */

/** Well above the default `softLimitBytes`, so that the client stays behind even if the system takes a little more. */
const FULL_BYTES = 512 * 1024
const FILLER_BYTES = 64 * 1024
/** What no system swallows; if one does, less waits, and that is all. */
const MOST_FILLER_BYTES = 64 * 1024 * 1024
/** How long a pipe has to stay full to be taken for full. */
const SETTLED_MS = 10

/**
 * `to come`, then `pausing` until the client reads no more and the pipe to it is full, `stalled` as long as the plan
 * says, and `returning` until it has caught up, or, if it was `disconnected`, until it is there again.
 *
 * @typedef {'to come' | 'pausing' | 'stalled' | 'returning' | 'disconnected'} Phase
 */

/** Sees to it that some clients stop reading for a while, whatever else goes on. */
export class Stalls {
  #plan
  #server
  #clients
  #onTrouble
  /** Of the stalls that are not over. */
  #phases

  /**
   * @param {object} stage
   * @param {Plan} stage.plan
   * @param {MarketServer} stage.server
   * @param {ClientProcess} stage.clients
   * @param {(error: unknown) => void} stage.onTrouble
   */
  constructor({ plan, server, clients, onTrouble }) {
    this.#plan = plan
    this.#server = server
    this.#clients = clients
    this.#onTrouble = onTrouble
    this.#phases = new Map(plan.stalls.map((stall) => [stall, /** @type {Phase} */ ('to come')]))
  }

  /**
   * Begins and ends what is due when the play reaches a position; whether the play may go on.
   *
   * It waits for a stall to begin, so that it is the plan and not the machine that says what a slow client has to read.
   *
   * @param {number} position
   */
  reach(position) {
    for (const [stall, phase] of this.#phases) this.#move(stall, phase, position)
    if (this.#phases.size === 0) return true
    return position < this.#plan.interval && ![...this.#phases.values()].includes('pausing')
  }

  /**
   * A client has stopped reading.
   *
   * @param {Slot} slot
   */
  paused(slot) {
    const stall = this.#stallOf((each) => sameSlot(each.slot, slot))
    this.#stuff(stall).catch(this.#onTrouble)
  }

  /**
   * The manager has disconnected a client.
   *
   * @param {string} place
   */
  disconnected(place) {
    const stall = this.#stallOf(({ slot }) => placeOf(this.#plan, slot) === place)
    this.#phases.set(stall, 'disconnected')
    this.#clients.resume(stall.slot)
  }

  /**
   * A client that was disconnected has connected anew.
   *
   * @param {Slot} slot
   */
  back(slot) {
    this.#phases.delete(this.#stallOf((each) => sameSlot(each.slot, slot)))
  }

  /**
   * @param {Stall} stall
   * @param {Phase} phase
   * @param {number} position
   */
  #move(stall, phase, position) {
    const { slot, from, until } = stall
    if (phase === 'to come' && position >= from) {
      this.#phases.set(stall, 'pausing')
      this.#clients.pause(slot)
    } else if (phase === 'stalled' && position >= until) {
      this.#phases.set(stall, 'returning')
      this.#clients.resume(slot)
    } else if (phase === 'returning' && this.#server.endSlow(placeOf(this.#plan, slot))) {
      this.#phases.delete(stall)
    }
  }

  /** @param {Stall} stall */
  async #stuff(stall) {
    const place = placeOf(this.#plan, stall.slot)
    this.#server.beginSlow(place)
    await fillPipe(this.#server.socketAt(place))
    this.#phases.set(stall, 'stalled')
  }

  /** @param {(stall: Stall) => boolean} isIt */
  #stallOf(isIt) {
    const stall = this.#plan.stalls.find(isIt)
    if (!stall) throw new Error('There is no such stall in the plan')
    return stall
  }
}

/**
 * Fills the pipe to a client that does not read.
 *
 * On one machine the system's buffers swallow megabytes before anybody notices. With meaningless bytes in them, what
 * comes next waits where it would on a thin line: with the server.
 *
 * @param {ClientSocket} socket
 */
async function fillPipe(socket) {
  for (let written = 0; written < MOST_FILLER_BYTES;) {
    if (socket.bufferedAmount < FULL_BYTES) {
      writeFiller(socket)
      written += FILLER_BYTES
      await setImmediate()
    } else {
      await setTimeout(SETTLED_MS)
      if (socket.bufferedAmount >= FULL_BYTES) return
    }
  }
}

/** @param {ClientSocket} socket */
function writeFiller(socket) {
  if ('comment' in socket) socket.comment(' '.repeat(FILLER_BYTES))
  else socket.send(Buffer.alloc(FILLER_BYTES))
}

/**
 * @param {Slot} one
 * @param {Slot} other
 */
function sameSlot(one, other) {
  return one.user === other.user && one.connection === other.connection
}
