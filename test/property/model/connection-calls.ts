import { chosen } from './aim.ts'
import { USERS, type Stream } from './catalogue.ts'
import type { ConnectionFact } from './facts.ts'
import type { Holds } from './holds.ts'
import type { OperationOf, Reaction } from './operations.ts'
import type { Kind, ScriptedSocket } from './sockets.ts'
import { PASS } from './stage.ts'
import { describe } from './trace.ts'
import type { World } from './world.ts'

type Ending = OperationOf<'remove'>['how']

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
    this.#world.armHandingOn([connection], handedOn)
    this.#end(connection, how)
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
    let connection: ConnectionFact | undefined
    this.#world.call({
      name: 'addConnection',
      text: () => `manager.addConnection(${describe(id)}, ${socket.name}, ${describe(userId)})  // ${kind}`,
      verdict: refusals.connect(id, userId, undefined),
      commit: () => this.#world.commit(() => void (connection = facts.connect({ id, userId, socket }))),
      act: () =>
        transport === undefined ? manager.addConnection(id, socket, userId) : manager.addConnection(id, socket, userId, { transport }),
      check: (handle) => {
        if (connection?.handle !== undefined && connection.handle !== handle) this.#world.complain(`${socket.name} has two handles`)
        if (connection !== undefined) connection.handle = handle
      },
      refused: (error) => this.#world.checkQuota(error, refusals.exceededByConnection(userId)),
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

  #end(connection: ConnectionFact, how: Ending): void {
    const { facts, manager, closings } = this.#world
    const { handle, id, socket, isLive } = connection
    if (handle === undefined) return
    // By id it is whoever has the id now.
    const removed = how === 'byId' ? facts.liveById(id) : isLive ? connection : undefined
    const text =
      how === 'byId'
        ? `manager.removeConnection(${describe(id)})`
        : how === 'onClose'
          ? `${socket.name} tells that it has closed`
          : `${socket.name}'s handle.remove(${how === 'gone' ? '{ close: false }' : ''})`
    const hasGone = how === 'gone' || how === 'onClose'
    this.#world.call({
      name: how === 'byId' ? 'removeConnection' : 'remove',
      text: () => text,
      verdict: PASS,
      commit: () => removed && this.#world.commit(() => facts.disconnect(removed, [hasGone ? 'peer-closed' : 'removed'])),
      act: () => {
        if (how === 'byId') return manager.removeConnection(id)
        return how === 'onClose' && socket.tellsOfClose ? socket.tellOfClose() : handle.remove(hasGone ? { close: false } : {})
      },
      check: (promise) => closings.promised(text, promise, removed !== undefined, removed === undefined ? [] : [removed]),
    })
  }
}
