import { fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** @import { ClientsReport, Start, ToClients, ToServer } from './clients.js' */
/** @import { Slot } from './plan.js' */

const MODULE = fileURLToPath(new URL('./clients.js', import.meta.url))

/** The second process, in which all clients live. */
export class ClientProcess {
  /** How many deliveries the clients have counted so far. */
  deliveries = 0

  #process
  #milestones = new EventEmitter()
  #onAlive
  #onTrouble
  #onPaused
  #onBack
  #onAway
  #reported = false

  /**
   * @param {object} hooks
   * @param {() => void} hooks.onAlive it got on with something
   * @param {(reason: string) => void} hooks.onTrouble
   * @param {(slot: Slot) => void} hooks.onPaused a client has stopped reading
   * @param {(cue: number) => void} hooks.onAway a client whose turn it is has ended its connection
   * @param {(slot: Slot) => void} hooks.onBack a client that was too slow has connected anew
   */
  constructor({ onAlive, onTrouble, onPaused, onAway, onBack }) {
    this.#onAlive = onAlive
    this.#onTrouble = onTrouble
    this.#onPaused = onPaused
    this.#onAway = onAway
    this.#onBack = onBack
    // Structured clones, so that a feed's bytes travel as they are.
    this.#process = fork(MODULE, { serialization: 'advanced' })
    this.#process.on('message', (/** @type {ToServer} */ message) => this.#hear(message))
    this.#process.on('error', (error) => onTrouble(`The client process: ${error.message}`))
    this.#process.on('exit', (code, signal) => {
      if (!this.#reported) onTrouble(`The client process ended before its report (${signal ?? `exit code ${code}`})`)
    })
  }

  /**
   * Settles when every client is connected and subscribed.
   *
   * @param {Start} start
   */
  async start(start) {
    const ready = once(this.#milestones, 'ready')
    this.#tell({ type: 'start', start })
    await ready
  }

  /**
   * Lets a client stop reading. It is not told over its connection, as it could not be told to read on by that way.
   *
   * @param {Slot} slot
   */
  pause(slot) {
    this.#tell({ type: 'pause', slot })
  }

  /** @param {Slot} slot */
  resume(slot) {
    this.#tell({ type: 'resume', slot })
  }

  /**
   * Lets a client that is away connect again.
   *
   * @param {Slot} slot
   */
  comeBack(slot) {
    this.#tell({ type: 'come back', slot })
  }

  /**
   * Settles when every client's connection is closed, and what it received is checked.
   *
   * @returns {Promise<ClientsReport>}
   */
  async report() {
    const [report] = await once(this.#milestones, 'report')
    this.#reported = true
    return report
  }

  /** Ends it, if it has not ended by itself, and settles when it is gone. */
  async end() {
    const { pid, exitCode, signalCode } = this.#process
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    const gone = once(this.#process, 'exit')
    // It may be in any state, and it holds nothing that is worth an orderly end.
    this.#process.kill('SIGKILL')
    await gone
  }

  /** @param {ToClients} message */
  #tell(message) {
    this.#process.send(message)
  }

  /** @param {ToServer} message */
  #hear(message) {
    switch (message.type) {
      case 'ready': return void this.#milestones.emit('ready')
      case 'delivered': return this.#count(message.deliveries)
      case 'paused': return this.#onPaused(message.slot)
      case 'away': return this.#onAway(message.cue)
      case 'back': return this.#onBack(message.slot)
      case 'failed': return this.#onTrouble(message.reason)
      case 'report': return void this.#milestones.emit('report', message.report)
    }
  }

  /** @param {number} deliveries */
  #count(deliveries) {
    if (deliveries !== this.deliveries) this.#onAlive()
    this.deliveries = deliveries
  }
}
