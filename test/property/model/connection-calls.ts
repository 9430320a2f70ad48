import { chosen } from './aim.ts'
import { USERS, type Stream } from './catalogue.ts'
import type { ConnectionFact } from './facts.ts'
import type { Holds } from './holds.ts'
import { Moving } from './moving.ts'
import type { Ending, OperationOf, Reaction } from './operations.ts'
import { answerOf, Rejection } from './requests.ts'
import type { Kind, ScriptedSocket } from './sockets.ts'
import { PASS, type Verdict } from './stage.ts'
import { describe } from './trace.ts'
import type { World } from './world.ts'

/** What the peer is told: the reason alone goes with 1000. */
const TOLD = [
  { options: { code: 4001, reason: 'logged in elsewhere' }, details: { code: 4001, reason: 'logged in elsewhere' } },
  { options: { reason: 'bye' }, details: { code: 1000, reason: 'bye' } },
  { options: { code: 1012 }, details: { code: 1012, reason: '' } },
] as const
const BAD_CODES = [999, 1004, 1006, 5000, 1000.5, '1000', null]
const BAD_REASONS = ['é'.repeat(62), 7, null]

const REFUSED_DETAILS: Verdict = { codes: ['ERR_INVALID_ARGUMENT'], mayPass: false }
const NOTHING_MORE: Reaction = { answer: 'ok', meanwhile: [] }

/** The calls that add and remove connections. */
export class ConnectionCalls {
  readonly #world: World
  readonly #holds: Holds

  constructor(world: World, holds: Holds) {
    this.#world = world
    this.#holds = holds
  }

  join({ user, id, kind, streams, asUser }: OperationOf<'join'>): void {
    const { aim } = this.#world
    const connection = this.#add(aim.id(id), aim.user(user), kind)
    if (connection !== undefined)
      this.#subscribeAll(
        connection,
        streams.map((n) => aim.stream(n)),
        asUser,
      )
  }

  connect({ user, id, kind, flaw }: OperationOf<'connect'>): void {
    const { facts, aim } = this.#world
    const userId = aim.user(user)
    const known = chosen(facts.live, id)
    const socket = (): ScriptedSocket => this.#world.newSocket('plain')
    if (flaw === 'badId') return this.#refused('', userId, socket(), flaw)
    if (flaw === 'badUser') return this.#refused(aim.id(id), '\udc00', socket(), flaw)
    if (flaw === 'badSocket') return this.#refused(aim.id(id), userId, { send: () => {} } as never, flaw)
    if (flaw === 'closedSocket') return this.#refused(aim.id(id), userId, Object.assign(socket(), { readyState: 2 + (kind % 2) }), flaw)
    if (flaw === undefined || known === undefined) return void this.#add(aim.id(id), userId, kind)
    if (flaw === 'same') return this.#addAgain(known)
    if (flaw === 'otherSocket') return this.#refused(known.id, known.userId, socket(), flaw)
    this.#refused(known.id, USERS.find((each) => each !== known.userId) ?? '', known.socket, flaw)
  }

  /** Comes and goes. */
  visit(userId: string): void {
    const connection = this.#add(this.#world.aim.id(0), userId, 0)
    if (connection !== undefined) this.#end(connection, 'gone')
  }

  reconnect({ who, how, kind }: OperationOf<'reconnect'>): void {
    const { facts, aim } = this.#world
    const connection = aim.connection(who)
    if (connection?.isLive !== true) return
    const held = facts.heldBy(connection).map(({ stream }) => stream)
    this.#end(connection, how)
    const again = this.#add(connection.id, connection.userId, kind)
    if (again !== undefined) this.#subscribeAll(again, held, false)
  }

  remove({ who, how, handedOn }: OperationOf<'remove'>): void {
    const connection = this.#world.aim.connection(who)
    if (connection === undefined) return
    if (how === 'badCode' || how === 'badReason') return this.#refuseToTell(connection, how, who)
    this.#world.armHandingOn([connection], handedOn)
    this.#end(connection, how, who)
  }

  reassign({ who, user, isSame, answers, meanwhile, handedOn, flaw }: OperationOf<'reassign'>): void {
    const { aim, facts, refusals, setting } = this.#world
    const connection = aim.connection(who)
    if (connection?.handle === undefined) return
    const { handle, socket } = connection
    const userId = isSame ? connection.userId : aim.heirOf(connection, user)
    const verdict = refusals.reassign(connection, userId, flaw)
    const moving = new Moving(connection, userId, {
      facts,
      refusals,
      ledger: this.#world.ledger,
      hasAuthorize: setting.hasAuthorize,
      answer: (n) => this.#answer(answers[n % answers.length] ?? 'yes', n === 0 ? meanwhile : []),
    })
    const isUnderWay = verdict.mayPass && !moving.isDone
    if (isUnderWay) this.#world.armHandingOn([connection], handedOn)
    if (isUnderWay) this.#world.handsOn(connection)
    this.#world.call({
      name: 'reassign',
      text: () => `${socket.name}'s handle.reassign(${describe(flawed(userId, flaw))})`,
      verdict,
      moving: isUnderWay ? moving : undefined,
      act: () => handle.reassign(flawed(userId, flaw) as string),
      check: () => moving.isDone || this.#world.complain(`${socket.name} was not given to ${describe(userId)}`),
      refused: (error) => this.#world.checkQuota(error, isUnderWay ? [...moving.exceeded] : ['connectionsPerUser']),
    })
  }

  #answer(answer: OperationOf<'reassign'>['answers'][number], meanwhile: OperationOf<'reassign'>['meanwhile']): unknown {
    this.#world.carryOut(meanwhile)
    this.#world.tally.noteBehaviour('authorize', answer)
    if (answer === 'throw' || answer === 'rejection') this.#world.events.expectError('authorize')
    const given = answerOf(answer)
    return given instanceof Rejection ? given.promise : given
  }

  removeUser(userId: string, handedOn: Reaction = NOTHING_MORE): void {
    const { facts, manager, closings } = this.#world
    const theirs = facts.liveOf(userId)
    const text = `manager.removeUser(${describe(userId)})`
    this.#world.armHandingOn(theirs, handedOn)
    this.#world.call({
      name: 'removeUser',
      text: () => text,
      verdict: PASS,
      commit: () =>
        this.#world.commit(() => {
          for (const connection of theirs) facts.disconnect(connection, ['removed'])
          facts.end(facts.subscriptions.filter((each) => each.userId === userId))
        }),
      act: () => manager.removeUser(userId),
      check: (promise) => closings.promised(text, promise, theirs.length, theirs),
    })
  }

  cleanup(deadlineMs: number): void {
    const { facts, closings, manager } = this.#world
    const { live, isClosed } = facts
    if (!isClosed) closings.cleanupBegun(deadlineMs)
    this.#world.call({
      name: 'cleanup',
      text: () => `manager.cleanup(${describe({ deadlineMs })})`,
      verdict: PASS,
      commit: () => isClosed || this.#world.commit(() => facts.close()),
      act: () => manager.cleanup({ deadlineMs }),
      check: (promise) => {
        if (promise !== manager.cleanup()) this.#world.complain('cleanup() promised two things')
        if (!isClosed) closings.cleanupPromised(promise, live)
      },
    })
  }

  #subscribeAll(connection: ConnectionFact, streams: readonly Stream[], asUser: boolean): void {
    for (const stream of streams) {
      if (connection.isLive) this.#holds.hold(connection.userId, stream, asUser ? undefined : connection)
    }
  }

  #add(id: string, userId: string, kindNumber: number): ConnectionFact | undefined {
    const { facts, manager, refusals, setting, transports } = this.#world
    const kind = this.#kind(kindNumber)
    const socket = this.#world.newSocket(kind)
    const transport = kind === setting.managerKind ? undefined : transports[kind]
    const metadata = kindNumber % 2 === 0 ? { of: socket.name } : undefined
    const options = { ...(transport !== undefined && { transport }), ...(metadata !== undefined && { metadata }) }
    let connection: ConnectionFact | undefined
    const exceeded = refusals.exceededByConnection(userId)
    this.#world.call({
      name: 'addConnection',
      text: () => `manager.addConnection(${describe(id)}, ${socket.name}, ${describe(userId)})  // ${kind}`,
      verdict: refusals.connect(id, userId, undefined),
      commit: () => this.#world.commit(() => void (connection = facts.connect({ id, userId, socket, metadata }))),
      act: () => (Object.keys(options).length === 0 ? manager.addConnection(id, socket, userId) : manager.addConnection(id, socket, userId, options)),
      check: (handle) => {
        if (connection?.handle !== undefined && connection.handle !== handle) this.#world.complain(`${socket.name} has two handles`)
        if (connection !== undefined) connection.handle = handle
      },
      refused: (error) => this.#world.checkQuota(error, exceeded),
    })
    return connection
  }

  /** No connection is without the manager's transport, unless it brings its own. */
  #kind(n: number): Kind {
    const { setting, transports } = this.#world
    const kind = chosen(setting.kinds, n) ?? 'plain'
    return setting.managerKind !== undefined && transports[kind] === undefined ? setting.managerKind : kind
  }

  #addAgain({ id, socket, userId, handle }: ConnectionFact): void {
    this.#world.call({
      name: 'addConnection',
      text: () => `manager.addConnection(${describe(id)}, ${socket.name}, ${describe(userId)})  // again`,
      verdict: this.#world.refusals.connect(id, userId, 'same'),
      act: () => this.#world.manager.addConnection(id, socket, userId),
      check: (again) => {
        if (handle !== undefined && again !== handle) this.#world.complain(`${socket.name} got another handle when it was added again`)
      },
    })
  }

  #refused(id: string, userId: string, socket: ScriptedSocket, flaw: OperationOf<'connect'>['flaw']): void {
    this.#world.call({
      name: 'addConnection',
      text: () => `manager.addConnection(${describe(id)}, ${socket.name ?? 'no socket'}, ${describe(userId)})  // ${flaw}`,
      verdict: this.#world.refusals.connect(id, userId, flaw),
      act: () => this.#world.manager.addConnection(id, socket, userId),
    })
  }

  /** A removal with a code or a reason that may not be sent changes nothing. */
  #refuseToTell({ handle, socket }: ConnectionFact, how: 'badCode' | 'badReason', n: number): void {
    if (handle === undefined) return
    const options = how === 'badCode' ? { code: chosen(BAD_CODES, n) } : { reason: chosen(BAD_REASONS, n) }
    this.#world.call({
      name: 'remove',
      text: () => `${socket.name}'s handle.remove(${describe(options)})`,
      verdict: REFUSED_DETAILS,
      act: () => handle.remove(options as never),
    })
  }

  #end(connection: ConnectionFact, how: Ending, n = 0): void {
    const { facts, manager, closings } = this.#world
    const { handle, id, socket, isLive } = connection
    if (handle === undefined) return
    const told = how === 'told' ? chosen(TOLD, n) : undefined
    // By id it is whoever has the id now.
    const removed = how === 'byId' ? facts.liveById(id) : isLive ? connection : undefined
    const text =
      how === 'byId'
        ? `manager.removeConnection(${describe(id)})`
        : how === 'onClose'
          ? `${socket.name} tells that it has closed`
          : `${socket.name}'s handle.remove(${how === 'gone' ? '{ close: false }' : told === undefined ? '' : describe(told.options)})`
    const hasGone = how === 'gone' || how === 'onClose'
    this.#world.call({
      name: how === 'byId' ? 'removeConnection' : 'remove',
      text: () => text,
      verdict: PASS,
      commit: () => removed && this.#world.commit(() => facts.disconnect(removed, [hasGone ? 'peer-closed' : 'removed'], told?.details)),
      act: () => {
        if (how === 'byId') return manager.removeConnection(id)
        if (how === 'onClose' && socket.tellsOfClose) return socket.tellOfClose().then((isHeard) => isHeard && removed !== undefined)
        return handle.remove(hasGone ? { close: false } : (told?.options ?? {}))
      },
      check: (promise) => closings.promised(text, promise, removed !== undefined, removed === undefined ? [] : [removed]),
    })
  }
}

/** What is given as the user's id. */
function flawed(userId: string, flaw: OperationOf<'reassign'>['flaw']): string | undefined {
  return flaw === undefined ? userId : flaw === 'badUser' ? '\ud800' : undefined
}
