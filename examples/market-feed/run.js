import { wsTransport } from '../../dist/transports/ws.js'
import { Absences } from './absences.js'
import { ClientProcess } from './client-process.js'
import { Cues } from './cues.js'
import { Pace } from './pace.js'
import { placeOf } from './plan.js'
import { Player } from './player.js'
import { Progress } from './progress.js'
import { accountMismatches, mismatchLines, summaryTable } from './report.js'
import { Saboteur } from './saboteur.js'
import { MarketServer } from './server.js'
import { Stalls } from './stalls.js'
import { Watchdog } from './watchdog.js'

/** @import { ClientsReport } from './clients.js' */
/** @import { Accounts } from './server.js' */
/** @import { Misbehaviour } from './misbehaviour.js' */
/** @import { Options } from './options.js' */
/** @import { Scenario } from './scenario.js' */
/** @import { TimelineMessage } from './timeline.js' */

/**
 * @typedef {object} Task
 * @property {Options} options
 * @property {Uint8Array | undefined} feed
 * @property {Scenario} scenario
 * @property {Misbehaviour | undefined} misbehaviour
 */

const EXIT_FAILURE = 1
/** What a shell makes of a process that a signal ended. */
const SIGNALS = Object.entries({ SIGHUP: 129, SIGINT: 130, SIGTERM: 143 })

/** Why a run ended before its time. */
class Interruption extends Error {
  /**
   * @param {string} reason
   * @param {number} exitCode
   */
  constructor(reason, exitCode) {
    super(reason)
    this.exitCode = exitCode
  }
}

/**
 * Plays a scenario to real clients in a second process, prints what came of it, and answers the exit code.
 *
 * @param {Task} task
 */
export async function runDemo(task) {
  const interruption = new AbortController()
  const run = new Run(task, interruption)
  try {
    return await Promise.race([run.perform(), rejection(interruption.signal)])
  } catch (error) {
    // Nothing that is still under way may go on once the run has failed.
    interruption.abort(error)
    if (!(error instanceof Interruption)) throw error
    run.progress.stop()
    console.error(error.message)
    return error.exitCode
  } finally {
    await run.end()
  }
}

/**
 * Rejects when a signal is aborted; never settles otherwise.
 *
 * @param {AbortSignal} signal
 * @returns {Promise<never>}
 */
function rejection(signal) {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

/** One play from the first connection to the table. */
class Run {
  progress

  #task
  #interruption
  #clients
  /** @type {MarketServer} */
  #server
  /** @type {Player} */
  #player
  #pace
  #cues
  #absences
  /** @type {Stalls} */
  #stalls
  /** @type {Saboteur | undefined} */
  #saboteur
  #watchdog

  /**
   * @param {Task} task
   * @param {AbortController} interruption
   */
  constructor(task, interruption) {
    const { options: { speed }, scenario: { timeline, plan } } = task
    this.#task = task
    this.#interruption = interruption
    this.#saboteur = this.#hireSaboteur()
    this.#server = new MarketServer({
      position: () => this.#player.position,
      onCueDone: (cue) => this.#cueDone(cue),
      onTooSlow: (place) => this.#stalls.disconnected(place),
      transport: this.#saboteur?.bribe(wsTransport()),
    })
    this.#clients = new ClientProcess({
      onAlive: () => this.#watchdog.stroke(),
      onTrouble: (reason) => this.#interrupt(reason),
      onPaused: (slot) => this.#stalls.paused(slot),
      onAway: (cue) => this.#absences.away(cue),
      onBack: (slot) => this.#stalls.back(slot),
    })
    this.#pace = new Pace(this.#server)
    this.#stalls = new Stalls({
      plan,
      server: this.#server,
      clients: this.#clients,
      onTrouble: (error) => interruption.abort(error),
    })
    this.#cues = new Cues(plan.cues, (slot, cue) => this.#server.giveCue(placeOf(plan, slot), cue))
    this.#absences = new Absences(plan, (slot) => this.#clients.comeBack(slot))
    this.#player = new Player({
      timeline,
      speed,
      signal: interruption.signal,
      mayPlay: (position) => this.#mayPlay(position),
      publish: (message) => this.#publish(message),
      onAlive: () => this.#watchdog.stroke(),
    })
    this.#watchdog = new Watchdog(() => this.#interrupt('Nothing has happened for half a minute: the run hangs'))
    this.progress = new Progress(process.stdout, () => {
      return { position: this.#player.position, length: timeline.length, deliveries: this.#clients.deliveries }
    })
    for (const [signal, exitCode] of SIGNALS) {
      process.once(signal, () => this.#interrupt(`Ended by ${signal}`, exitCode))
    }
  }

  /** @returns {Promise<number>} the exit code */
  async perform() {
    const { options, feed } = this.#task
    await this.#clients.start({ port: await this.#server.listening(), options, feed })
    this.progress.start()
    const startedAtMs = Date.now()
    await this.#player.play()
    const { accounts, report } = await this.#close()
    this.progress.stop()
    return this.#print(accounts, report, (report.finishedAtMs - startedAtMs) / 1000)
  }

  /** Leaves nothing behind: no process, no socket, no timer. */
  async end() {
    this.#watchdog.stop()
    this.progress.stop()
    this.#server.terminate()
    await this.#clients.end()
  }

  /** Ends the play for everybody, and asks both sides what they make of it. */
  async #close() {
    const reported = this.#clients.report()
    this.#server.announceEnd()
    const accounts = await this.#server.close()
    return { accounts, report: await reported }
  }

  /**
   * @param {Accounts} accounts
   * @param {ClientsReport} report
   * @param {number} seconds
   */
  #print(accounts, { received, told, mismatches, samples, ...reckoning }, seconds) {
    const { scenario: { timeline, plan: { users } } } = this.#task
    const connections = users.flatMap((user) => user.connections).length
    const reckoned = { ...reckoning, users: users.length, connections }
    const discrepancies = accountMismatches(accounts, reckoned)
    const count = mismatches + discrepancies.length
    process.stdout.write(mismatchLines([...discrepancies, ...samples], count) + summaryTable({
      messages: timeline.length,
      deliveries: received,
      seconds,
      accounts,
      reconnects: this.#server.reconnects,
      lost: reckoning.lost,
      told,
      refusals: reckoning.refusals,
      mismatches: count,
    }))
    return count === 0 ? 0 : EXIT_FAILURE
  }

  /**
   * Whether the message at a position may go out now; sees to what else is due at that position on the way.
   *
   * @param {number} position
   */
  #mayPlay(position) {
    const { plan } = this.#task.scenario
    if (!this.#stalls.reach(position)) return false
    this.#cues.reach(position)
    if (!this.#absences.reach(position)) return false
    if (position >= plan.gate && !this.#cues.settled) return false
    return this.#pace.allowsMore()
  }

  /** @param {number} cue */
  #cueDone(cue) {
    this.#cues.done(cue)
    this.#absences.done(cue)
  }

  /** @param {TimelineMessage} message */
  #publish(message) {
    this.#watchdog.stroke()
    if (this.#player.position - 1 === this.#task.misbehaviour?.from) this.#saboteur?.begin()
    this.#server.publish(message)
    this.#pace.note(message)
    this.#saboteur?.follow(message)
  }

  #hireSaboteur() {
    const { misbehaviour, scenario: { plan } } = this.#task
    if (!misbehaviour) return undefined
    const { kind, slot } = misbehaviour
    const place = placeOf(plan, slot)
    return new Saboteur(kind, {
      userId: plan.users[slot.user].userId,
      socket: () => this.#server.socketAt(place),
      has: (socket) => this.#server.isAt(place, socket),
    })
  }

  /**
   * @param {string} reason
   * @param {number} [exitCode]
   */
  #interrupt(reason, exitCode = EXIT_FAILURE) {
    this.#interruption.abort(new Interruption(reason, exitCode))
  }
}
