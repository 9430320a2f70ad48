import { commandText } from './command.js'
import { isDelivery, parseNotice } from './notice.js'

/** @import { PositionTracker } from '../../dist/client.js' */
/** @import { Span } from './checker.js' */
/** @import { Command } from './command.js' */
/** @import { Answer, Notice } from './notice.js' */
/** @import { Replay } from './replays.js' */
/** @import { Ear, Wire } from './wires.js' */

/**
 * @typedef {object} Hooks
 * @property {(text: string) => number | string} recognise
 * @property {() => void} onDelivery
 * @property {(cue: number) => void} onCue
 * @property {() => void} onOver the server closed it, as the play was over
 * @property {() => void} onCutOff the server ended it for being too slow
 * @property {(reason: string) => void} onTrouble
 */

/** One connection to the server, and a record of what came over it. */
export class ClientConnection {
  id = ''
  /** Where it ended, as far as it is known. */
  endedAt = Infinity
  /** It was ended abruptly, by either side. */
  cut = false
  /** It was the server that cut it, as too much waited for it. */
  tooSlow = false
  /**
   * What came, in the parts that the server's notices divide it into.
   *
   * @type {Span[]}
   */
  spans = []
  /** What came when it subscribed. @type {Replay[]} */
  replays = []
  #wire
  #tracker
  #hooks
  /** Those who wait for an answer: the server answers in order. @type {((notice: Notice) => void)[]} */
  #waiting = []
  /** The replay that comes just now, up to the server's next notice. @type {Replay | undefined} */
  #replay
  #isSlow = false
  #playIsOver = false

  /**
   * @param {(ear: Ear) => Wire} open
   * @param {PositionTracker} tracker keeps the positions of the client, whichever connection it has
   * @param {Hooks} hooks
   */
  constructor(open, tracker, hooks) {
    this.#tracker = tracker
    this.#hooks = hooks
    this.#wire = open({
      onText: (text) => this.#take(text),
      onError: (error) => hooks.onTrouble(`cannot talk to the server: ${error.message}`),
      onClosed: (reason) => this.#closed(reason),
    })
  }

  /** The position of the first message that it could receive. */
  get acceptedAt() {
    return this.spans[0].from
  }

  /** The server's welcome. What comes before it is what the client missed. */
  async welcomed() {
    const { connection = '', replaced } = await this.#answer()
    this.id = connection
    return { replaced }
  }

  /**
   * Sends a command, or a text that is none, and answers what the server answers.
   *
   * @param {Command | string} command
   */
  ask(command) {
    const answer = this.#answer()
    this.tell(command)
    return answer
  }

  /** @param {Command | string} command */
  tell(command) {
    this.#wire.send(typeof command === 'string' ? command : commandText(command))
  }

  /** Takes leave of the server, which closes it. */
  async leave() {
    const closed = this.#wire.closed()
    await this.ask({ type: 'leave' })
    await closed
  }

  /** Ends it as a lost network would: without a word. Settles when nothing can come any more. */
  async terminate() {
    this.cut = true
    const closed = this.#wire.closed()
    this.#wire.terminate()
    await closed
  }

  /** Reads no more, until `resume`. */
  pause() {
    this.#isSlow = true
    this.#wire.pause()
  }

  resume() {
    this.#wire.resume()
  }

  /** @returns {Promise<Notice>} */
  #answer() {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** @param {string} text */
  #take(text) {
    this.#tracker.receive(text)
    if (isDelivery(text)) {
      this.#record(this.#hooks.recognise(text))
      this.#hooks.onDelivery()
      return
    }
    const said = parseNotice(text)
    if ('gap' in said) this.#record(said.gap)
    else if ('answer' in said) this.#beginReplay(said.answer)
    else this.#heed(said.notice)
  }

  /** @param {Span['received'][number]} item */
  #record(item) {
    const part = this.#replay ?? this.spans.at(-1)
    part?.received.push(item)
  }

  /** @param {Answer} answer */
  #beginReplay(answer) {
    this.#replay = { ...answer, at: Infinity, since: undefined, received: [] }
    this.replays.push(this.#replay)
  }

  /** @param {number} position where the replays end that came since the last notice */
  #endReplays(position) {
    this.#replay = undefined
    for (const replay of this.replays) replay.at = Math.min(replay.at, position)
  }

  /** @param {Notice} notice */
  #heed(notice) {
    this.#endReplays(notice.position)
    switch (notice.type) {
      case 'cue': return this.#hooks.onCue(Number(notice.cue))
      case 'slow': return this.#beginSpan(notice.position, true)
      case 'caught up': return this.#catchUp(notice)
      case 'end': return this.#end(notice)
      case 'welcome': this.#beginSpan(notice.position, false); break
      case 'left': this.endedAt = notice.position
    }
    this.#waiting.shift()?.(notice)
  }

  /**
   * @param {number} from
   * @param {boolean} behind
   */
  #beginSpan(from, behind) {
    this.spans.push({ from, behind, received: [] })
  }

  /** @param {Notice} notice */
  #catchUp({ position }) {
    this.#isSlow = false
    this.#beginSpan(position, false)
  }

  /** @param {Notice} notice */
  #end({ position }) {
    this.endedAt = position
    this.#playIsOver = true
  }

  /** @param {string} reason */
  #closed(reason) {
    if (this.#playIsOver) return this.#hooks.onOver()
    if (this.endedAt !== Infinity || this.cut) return
    if (!this.#isSlow) return this.#hooks.onTrouble(`was closed by the server: ${reason}`)
    this.cut = true
    this.tooSlow = true
    this.#hooks.onCutOff()
  }
}
