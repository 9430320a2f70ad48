import { ClientConnection } from './client-connection.js'
import { commandText } from './command.js'
import { Ledger } from './ledger.js'
import { outlastsAbsence } from './plan.js'
import { streamName } from './stream.js'
import { EventWire, SocketWire } from './wires.js'

/** @import { Mismatch, Testimony } from './checker.js' */
/** @import { Command } from './command.js' */
/** @import { Notice } from './notice.js' */
/** @import { Action, Cue, Mistake, Scope, UserPlan } from './plan.js' */
/** @import { Stream } from './stream.js' */

/**
 * @typedef {object} Surroundings
 * @property {string} address of the server
 * @property {readonly Cue[]} cues
 * @property {(text: string) => number | string} recognise
 * @property {() => void} onDelivery
 * @property {(place: number) => void} onBack one that the server had cut off for being too slow is there again
 * @property {(reason: string) => void} onTrouble
 */

const LONGEST_EXCERPT = 80

/** One user with their connections, who does what the plan says and keeps an account of it. */
export class Trader {
  /** How many commands were refused. */
  refusals = 0
  /** Answers that were not what they had to be. @type {Mismatch[]} */
  wrongAnswers = []
  /** Settles when the play is over and all connections are closed. @type {Promise<void>} */
  left

  #plan
  #surroundings
  #ledger = new Ledger()
  /** The live connections, by their place. @type {ClientConnection[]} */
  #connections = []
  /** All connections there were, under their names. @type {{ name: string, connection: ClientConnection }[]} */
  #history = []
  /** How many connections lasted to the end of the play. */
  #lasted = 0
  #onLeft = () => {}

  /**
   * @param {UserPlan} plan
   * @param {Surroundings} surroundings
   */
  constructor(plan, surroundings) {
    this.#plan = plan
    this.#surroundings = surroundings
    this.left = new Promise((resolve) => this.#onLeft = resolve)
  }

  /** Connects everywhere, and subscribes. */
  async arrive() {
    for (const place of this.#plan.connections.keys()) await this.#open(place)
    for (const stream of this.#plan.shared) await this.#subscribe(0, 'user', stream)
    for (const [place, { over, own, mistakes }] of this.#plan.connections.entries()) {
      if (over === 'sse') continue
      for (const stream of own) await this.#subscribe(place, 'connection', stream)
      for (const mistake of mistakes) await this.#err(place, mistake)
    }
  }

  /** @returns {Testimony[]} */
  testimonies() {
    return this.#history.map(({ name, connection: { id, endedAt, cut, tooSlow, spans } }) => {
      const { userId } = this.#plan
      return { name, userId, endedAt, cut, tooSlow, spans, holds: this.#ledger.reaching(id) }
    })
  }

  /** @param {number} place */
  pause(place) {
    this.#connections[place].pause()
  }

  /** @param {number} place */
  resume(place) {
    this.#connections[place].resume()
  }

  /**
   * @param {number} place
   * @param {string} [replaces] the connection that had the place before
   */
  async #open(place, replaces) {
    const { address, recognise, onDelivery, onTrouble } = this.#surroundings
    const { over, own } = this.#plan.connections[place]
    const query = new URLSearchParams({ user: this.#plan.userId, place: String(place), ...(replaces && { replaces }) })
    if (over === 'sse') for (const stream of own) query.append('stream', streamName(stream))
    const troubled = (/** @type {Error} */ error) => onTrouble(`${this.#name(place)}: ${error.message}`)
    const WireClass = over === 'sse' ? EventWire : SocketWire
    const connection = new ClientConnection((ear) => new WireClass(address, query, ear), {
      recognise,
      onDelivery,
      onTrouble: (reason) => onTrouble(`${this.#name(place)} ${reason}`),
      onOver: () => this.#countLasted(),
      onCutOff: () => this.#returnCutOff(place).catch(troubled),
      onCue: (cue) => this.#follow(place, cue).catch(troubled),
    })
    const { replaced } = await connection.welcomed()
    this.#connections[place] = connection
    this.#history.push({ name: `${this.#name(place)} (${connection.id})`, connection })
    if (over === 'sse') for (const stream of own) this.#ledger.subscribe(stream, connection.id, connection.acceptedAt)
    return { replaced }
  }

  #countLasted() {
    if (++this.#lasted === this.#plan.connections.length) this.#onLeft()
  }

  /** @param {number} place */
  #name(place) {
    return `${this.#plan.userId}/${place}`
  }

  /**
   * @param {number} place
   * @param {number} cue
   */
  async #follow(place, cue) {
    await this.#act(place, this.#surroundings.cues[cue].action)
    this.#connections[place].tell({ type: 'cue done', cue })
  }

  /**
   * @param {number} place
   * @param {Action} action
   */
  #act(place, action) {
    switch (action.kind) {
      case 'reconnect': return this.#reconnect(place, action.manner)
      case 'absence': return this.#goAndComeBack()
      case 'subscribe': return this.#subscribe(place, action.scope, action.stream)
      case 'unsubscribe': return this.#unsubscribe(place, action.scope, action.stream)
      case 'mistake': return this.#err(place, action.mistake)
    }
  }

  /**
   * @param {number} place
   * @param {'clean' | 'abrupt'} manner
   */
  async #reconnect(place, manner) {
    const old = this.#connections[place]
    await (manner === 'clean' ? old.leave() : old.terminate())
    await this.#returnFor(place, old)
  }

  /** @param {number} place */
  async #returnCutOff(place) {
    await this.#returnFor(place, this.#connections[place])
    this.#surroundings.onBack(place)
  }

  /**
   * @param {number} place
   * @param {ClientConnection} old
   */
  async #returnFor(place, old) {
    const { replaced } = await this.#open(place, old.id)
    if (replaced === undefined) throw new Error('the server does not say where the old connection ended')
    old.endedAt = replaced
    const ended = this.#ledger.leave(old.id, replaced, this.#connections.length === 1)
    // Server-sent events have theirs from the start: nothing could be asked for over them.
    if (this.#plan.connections[place].over === 'sse') return
    for (const { stream, holder } of ended) {
      await this.#subscribe(place, holder === undefined ? 'user' : 'connection', stream)
    }
  }

  /** Leaves with every connection, one by one, and comes back with as many. */
  async #goAndComeBack() {
    const gone = [...this.#connections]
    const ended = []
    for (const [index, old] of gone.entries()) {
      await old.leave()
      ended.push(...this.#ledger.leave(old.id, old.endedAt, index === gone.length - 1))
    }
    for (const [place, old] of gone.entries()) await this.#open(place, old.id)
    for (const { stream, holder } of ended) {
      const place = gone.findIndex(({ id }) => id === holder)
      if (holder !== undefined) await this.#subscribe(place, 'connection', stream)
      else if (outlastsAbsence(stream)) await this.#subscribe(0, 'user', stream)
    }
  }

  /**
   * @param {number} place
   * @param {Scope} scope
   * @param {Stream} stream
   */
  async #subscribe(place, scope, stream) {
    const answer = await this.#ask(place, { type: 'subscribe', scope, ...stream }, { type: 'subscribed' })
    this.#ledger.subscribe(stream, this.#holder(place, scope), answer.position)
  }

  /**
   * @param {number} place
   * @param {Scope} scope
   * @param {Stream} stream
   */
  async #unsubscribe(place, scope, stream) {
    const found = this.#ledger.holds(stream, this.#holder(place, scope))
    const answer = await this.#ask(place, { type: 'unsubscribe', scope, ...stream }, { type: 'unsubscribed', found })
    this.#ledger.unsubscribe(stream, this.#holder(place, scope), answer.position)
  }

  /**
   * Makes a mistake on purpose: the server has to refuse it, and to change nothing.
   *
   * @param {number} place
   * @param {Mistake} mistake
   */
  async #err(place, { text, code }) {
    await this.#ask(place, text, { type: 'refused', code })
    this.refusals++
  }

  /**
   * @param {number} place
   * @param {Scope} scope
   */
  #holder(place, scope) {
    return scope === 'user' ? undefined : this.#connections[place].id
  }

  /**
   * Asks, and notes down an answer that lacks what it has to say.
   *
   * @param {number} place
   * @param {Command | string} command
   * @param {Partial<Notice>} expected
   */
  async #ask(place, command, expected) {
    const answer = await this.#connections[place].ask(command)
    if (!says(answer, expected)) {
      const asked = (typeof command === 'string' ? command : commandText(command)).slice(0, LONGEST_EXCERPT)
      const detail = `${asked} was answered by ${JSON.stringify(answer)}`
      this.wrongAnswers.push({ connection: this.#name(place), kind: 'wrong answer', position: undefined, detail })
    }
    return answer
  }
}

/**
 * @param {Notice} answer
 * @param {Partial<Notice>} expected
 */
function says({ type, code, found }, expected) {
  return type === expected.type && code === expected.code && found === expected.found
}
