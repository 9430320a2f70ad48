import { trackPositions } from '../../dist/client.js'
import { ClientConnection } from './client-connection.js'
import { commandText } from './command.js'
import { Ledger } from './ledger.js'
import { outlastsAbsence } from './plan.js'
import { sameStream, streamName } from './stream.js'
import { EventWire, SocketWire } from './wires.js'

/** @import { PositionTracker } from '../../dist/client.js' */
/** @import { Mismatch, Testimony } from './checker.js' */
/** @import { Command } from './command.js' */
/** @import { Hold } from './ledger.js' */
/** @import { Notice } from './notice.js' */
/** @import { Action, Cue, Mistake, Scope, UserPlan } from './plan.js' */
/** @import { Stream } from './stream.js' */
/** @import { Ear, Wire } from './wires.js' */

/**
 * @typedef {object} Reunion what a connection begins with
 * @property {readonly Stream[]} [streams] what it listens to from the start
 * @property {string} [replaces] the connection that had the place before
 * @property {number} [cue] what is done with it: over server-sent events that cannot be said later
 *
 * @typedef {object} Surroundings
 * @property {string} address of the server
 * @property {readonly Cue[]} cues
 * @property {(text: string) => number | string} recognise
 * @property {() => void} onDelivery
 * @property {(cue: number) => void} onAway a client has ended its connection, and waits until it may come back
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
  /** All connections there were. @type {{ place: number, connection: ClientConnection }[]} */
  #history = []
  /** Who knows where each place is in its streams, over all of its connections. @type {PositionTracker[]} */
  #trackers
  /** How many connections lasted to the end of the play. */
  #lasted = 0
  #onLeft = () => {}
  /** One connection of a user has cues, and one at a time. @type {(value?: unknown) => void} */
  #onReturn = () => {}

  /**
   * @param {UserPlan} plan
   * @param {Surroundings} surroundings
   */
  constructor(plan, surroundings) {
    this.#plan = plan
    this.#surroundings = surroundings
    this.#trackers = plan.connections.map(() => trackPositions())
    this.left = new Promise((resolve) => this.#onLeft = resolve)
  }

  /** Connects everywhere, and subscribes. */
  async arrive() {
    for (const [place, { over, own }] of this.#plan.connections.entries()) {
      await this.#open(place, over === 'sse' ? { streams: own } : {})
      if (over === 'sse') this.#noteOwn(place)
    }
    for (const stream of this.#plan.shared) await this.#subscribe(0, 'user', stream)
    for (const [place, { over, own, mistakes }] of this.#plan.connections.entries()) {
      if (over === 'sse') continue
      for (const stream of own) await this.#subscribe(place, 'connection', stream)
      for (const mistake of mistakes) await this.#err(place, mistake)
    }
  }

  /** @returns {Testimony[]} */
  testimonies() {
    return this.#history.map(({ place, connection }) => {
      const { id, endedAt, cut, tooSlow, replays, spans } = connection
      const name = `${this.#name(place)} (${id})`
      const { userId } = this.#plan
      return { name, place: this.#name(place), userId, endedAt, cut, tooSlow, replays, spans, holds: this.#ledger.reaching(id) }
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

  /** It has been away for long enough. */
  comeBack() {
    this.#onReturn()
  }

  /**
   * @param {number} place
   * @param {Reunion} [before]
   */
  async #open(place, { streams = [], replaces, cue } = {}) {
    const { recognise, onDelivery, onTrouble } = this.#surroundings
    const tracker = this.#trackers[place]
    tracker.disconnected()
    const troubled = (/** @type {Error} */ error) => onTrouble(`${this.#name(place)}: ${error.message}`)
    const connection = new ClientConnection(this.#dial(place, { streams, replaces, cue }), tracker, {
      recognise,
      onDelivery,
      onTrouble: (reason) => onTrouble(`${this.#name(place)} ${reason}`),
      onOver: () => this.#countLasted(),
      onCutOff: () => this.#returnCutOff(place).catch(troubled),
      onCue: (next) => this.#follow(place, next).catch(troubled),
    })
    const { replaced } = await connection.welcomed()
    this.#connections[place] = connection
    this.#history.push({ place, connection })
    return { replaced }
  }

  /**
   * Says to the server who comes, which streams they want, and how far they are in each.
   *
   * @param {number} place
   * @param {Reunion} before
   * @returns {(ear: Ear) => Wire}
   */
  #dial(place, { streams, replaces, cue }) {
    const { over } = this.#plan.connections[place]
    const query = new URLSearchParams({ user: this.#plan.userId, place: String(place) })
    if (replaces !== undefined) query.set('replaces', replaces)
    if (over === 'sse' && cue !== undefined) query.set('cue', String(cue))
    for (const stream of streams ?? []) {
      query.append('stream', streamName(stream))
      query.append('position', this.#trackers[place].position(stream) ?? '')
    }
    const WireClass = over === 'sse' ? EventWire : SocketWire
    return (ear) => new WireClass(this.#surroundings.address, query, ear)
  }

  /** @param {number} place */
  #noteOwn(place) {
    const { id, acceptedAt } = this.#connections[place]
    for (const stream of this.#plan.connections[place].own) this.#ledger.subscribe(stream, id, acceptedAt)
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
    const { action } = this.#surroundings.cues[cue]
    await this.#act(place, cue, action)
    // Who comes back over server-sent events has said so with it.
    if (this.#plan.connections[place].over === 'ws') this.#connections[place].tell({ type: 'cue done', cue })
  }

  /**
   * @param {number} place
   * @param {number} cue
   * @param {Action} action
   */
  #act(place, cue, action) {
    switch (action.kind) {
      case 'reconnect': return this.#reconnect(place, action.manner, cue)
      case 'absence': return this.#goAndComeBack()
      case 'subscribe': return this.#subscribe(place, action.scope, action.stream)
      case 'unsubscribe': return this.#unsubscribe(place, action.scope, action.stream)
      case 'mistake': return this.#err(place, action.mistake)
    }
  }

  /**
   * Goes, and comes back once the play is as far as the plan has it.
   *
   * @param {number} place
   * @param {'clean' | 'abrupt'} manner
   * @param {number} cue
   */
  async #reconnect(place, manner, cue) {
    const old = this.#connections[place]
    const mayReturn = new Promise((resolve) => this.#onReturn = resolve)
    await (manner === 'clean' ? old.leave() : old.terminate())
    this.#surroundings.onAway(cue)
    await mayReturn
    await this.#returnFor(place, old, cue)
  }

  /** @param {number} place */
  async #returnCutOff(place) {
    await this.#returnFor(place, this.#connections[place])
    this.#surroundings.onBack(place)
  }

  /**
   * @param {number} place
   * @param {ClientConnection} old
   * @param {number} [cue] what the server has to know as done
   */
  async #returnFor(place, old, cue) {
    const held = this.#ledger.heldBy(old.id)
    const { replaced } = await this.#open(place, { streams: held.map(({ stream }) => stream), replaces: old.id, cue })
    if (replaced === undefined) throw new Error('the server does not say where the old connection ended')
    old.endedAt = replaced
    const ended = this.#ledger.leave(old.id, replaced, this.#connections.length === 1)
    this.#resume(place, held)
    for (const { stream, holder } of ended) if (holder === undefined) await this.#subscribe(place, 'user', stream)
  }

  /** Leaves with every connection, one by one, and comes back with as many. */
  async #goAndComeBack() {
    const gone = [...this.#connections]
    /** @type {Hold[]} */
    const ended = []
    for (const [index, old] of gone.entries()) {
      await old.leave()
      ended.push(...this.#ledger.leave(old.id, old.endedAt, index === gone.length - 1))
    }
    for (const [place, { id }] of gone.entries()) {
      const held = ended.filter(({ holder }) => holder === id)
      await this.#open(place, { streams: held.map(({ stream }) => stream), replaces: id })
      this.#resume(place, held)
    }
    for (const { stream, holder } of ended) {
      if (holder === undefined && outlastsAbsence(stream)) await this.#subscribe(0, 'user', stream)
    }
  }

  /**
   * Notes what a new connection goes on with, and from where on nothing may be missing.
   *
   * @param {number} place
   * @param {readonly Hold[]} held by the connection before it
   */
  #resume(place, held) {
    const { id, acceptedAt, replays } = this.#connections[place]
    for (const { stream, since } of held) {
      const replay = replays.find((each) => sameStream(each.stream, stream))
      if (!replay) throw new Error(`the server does not answer for ${streamName(stream)}`)
      replay.since = since
      this.#ledger.subscribe(stream, id, acceptedAt, replay.recovered === true ? since : acceptedAt)
    }
  }

  /**
   * @param {number} place
   * @param {Scope} scope
   * @param {Stream} stream
   */
  async #subscribe(place, scope, stream) {
    const answer = await this.#ask(place, { type: 'subscribe', scope, ...stream }, { type: 'listening' })
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
