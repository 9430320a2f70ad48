import { bringing, isPrivate, keyOf, USERS } from './catalogue.ts'
import { ConnectionCalls } from './connection-calls.ts'
import type { ConnectionFact } from './facts.ts'
import { Holds } from './holds.ts'
import { NO_EXTRAS, type Content, type Operation, type OperationOf, type Reaction } from './operations.ts'
import { Posts } from './posts.ts'
import { Environment } from './environment.ts'
import { PASS, refusedWith, type Batching } from './stage.ts'
import type { World } from './world.ts'

const PLAIN: Content = { form: 'object', padding: 0, meanwhile: [] }

const DEADLINES_MS = [5_000, 0, 100, Infinity] as const

/** Carries out operations: each finds out what it means now, and what must come of it, and makes its calls. */
export class Performer {
  readonly connectionCalls: ConnectionCalls
  readonly environment: Environment
  readonly #world: World
  readonly #holds: Holds
  readonly #posts: Posts

  constructor(world: World) {
    this.#world = world
    this.#holds = new Holds(world)
    this.#posts = new Posts(world)
    this.connectionCalls = new ConnectionCalls(world, this.#holds)
    this.environment = new Environment(world, this.#posts)
  }

  perform(operation: Operation): void {
    this.#world.tally.operations++
    switch (operation.do) {
      case 'join':
        return this.connectionCalls.join(operation)
      case 'connect':
        return this.connectionCalls.connect(operation)
      case 'reconnect':
        return this.#reconnect(operation)
      case 'breakDown':
        return this.environment.breakDown(operation)
      case 'remove':
        return this.connectionCalls.remove(operation)
      case 'removeUser':
        return this.connectionCalls.removeUser(this.#world.aim.user(operation.user), operation.handedOn)
      case 'reassign':
        return this.#reassign(operation)
      case 'cleanup':
        return this.connectionCalls.cleanup(DEADLINES_MS[operation.deadline] ?? 0)
      case 'subscribe':
        return this.#holds.subscribe(operation)
      case 'addSubscription':
        return this.#holds.addSubscription(operation)
      case 'pend':
        return this.#pend(operation)
      case 'unsubscribe':
        return this.#holds.unsubscribe(operation)
      case 'removeSubscription':
        return this.#holds.removeSubscription(operation)
      case 'revoke':
        return this.#holds.revoke(operation)
      case 'regain':
        return this.#regain(operation)
      case 'greet':
        return this.#greet(operation)
      case 'leaveOut':
        return this.#leaveOut(operation)
      case 'publish':
        return this.#posts.publish(operation)
      case 'send':
        return this.#posts.send(operation)
      case 'sendText':
        return this.#posts.sendText(operation)
      case 'armClose':
      case 'armSend':
        return this.environment.arm(operation)
      case 'batch':
        return this.#batch(operation)
      case 'notifyGap':
        return this.#world.notices.notifyGap(operation)
      case 'setStreamStatus':
        return this.#world.notices.setStreamStatus(operation)
      case 'purge':
        return this.environment.purge(operation)
      case 'armNewcomer':
        return this.#world.notices.arm(operation.reaction)
      case 'armFrame':
        return this.environment.armFrame(operation)
      case 'armListener':
        return this.environment.armListener(operation)
      case 'listen':
        return this.environment.listen(operation)
      case 'ask':
        return this.environment.ask(operation)
      case 'press':
        return this.environment.press(operation)
      case 'drain':
        return this.environment.drain(operation)
      case 'burst':
        return this.environment.burst(operation)
      case 'flush':
        return this.environment.flush(operation)
      case 'tick':
        return this.environment.tick()
      case 'advance':
        return this.environment.pass(operation)
      case 'jump':
        return this.environment.jump(operation)
      case 'recover':
        return this.environment.recover()
    }
  }

  #batch({ steps, ending }: OperationOf<'batch'>): void {
    const batching: Batching = { isActing: false, calls: [] }
    const thrown = ending === 'throws' ? new Error('a step fails') : undefined
    const act = (): unknown => {
      this.#world.carryOutSteps(batching, steps)
      if (thrown !== undefined) throw thrown
      return ending === 'promise' ? Promise.reject(new Error('a batch promises')) : steps.length
    }
    this.#world.call({
      name: 'batch',
      text: () => `manager.batch(…)  // ${ending}`,
      verdict: ending === 'promise' ? refusedWith('ERR_INVALID_ARGUMENT') : PASS,
      batching,
      thrown,
      act: () => this.#world.manager.batch(act),
      check: (outcome) => this.#world.expect('batch', outcome, steps.length),
    })
  }

  #reassign(operation: OperationOf<'reassign'>): void {
    const { aim } = this.#world
    const connection = aim.connection(operation.who)
    if (connection?.isLive === true && operation.isAwaited) this.#await(connection, operation.user)
    this.connectionCalls.reassign(operation)
    if (connection?.isLive !== true || !operation.isProbed) return
    for (const destination of aim.received(connection).slice(0, 4)) this.#posts.publishTo(destination, PLAIN)
  }

  /** The user whom a connection is to be given to subscribes to something that it holds for itself, or to the whole type of it. */
  #await(connection: ConnectionFact, n: number): void {
    const { aim, facts } = this.#world
    const [held] = facts.heldBy(connection)
    if (held !== undefined) this.#holds.hold(aim.heirOf(connection, n), bringing(held.stream).at(-1) ?? held.stream, undefined)
  }

  #reconnect(operation: OperationOf<'reconnect'>): void {
    const { who, isSentTo } = operation
    if (isSentTo)
      this.#posts.send({
        do: 'send',
        way: 'sendToConnection',
        who,
        stream: 0,
        recipient: 'none',
        content: PLAIN,
        extras: NO_EXTRAS,
        troubles: [],
        flaw: undefined,
      })
    this.connectionCalls.reconnect(operation)
  }

  #pend({ user, stream: n, visits }: OperationOf<'pend'>): void {
    const { aim, setting, facts } = this.#world
    const [userId, stream] = [aim.absentUser(user), aim.stream(n)]
    if (visits) this.connectionCalls.visit(userId)
    this.#holds.hold(userId, stream, undefined)
    this.#posts.publishTo({ stream, userId: isPrivate(stream) ? userId : undefined }, PLAIN)
    if (setting.pendingTtlMs === Infinity) return
    this.environment.advance(setting.pendingTtlMs / 2)
    this.#holds.holdOtherwise(userId, stream)
    this.environment.advance(Math.min(facts.untilDueMs(), setting.pendingTtlMs))
  }

  #greet({ where, id, kind, meanwhile }: OperationOf<'greet'>): void {
    const { aim, facts, notices } = this.#world
    const { stream, userId = aim.user(where) } = aim.destination(where)
    this.#holds.hold(userId, stream, undefined)
    const at = facts.subscriptions.findIndex((each) => each.userId === userId && keyOf(each.stream) === keyOf(stream))
    if (at === -1) return
    notices.setStreamStatus({ do: 'setStreamStatus', where: at, status: 'ERROR', made: { answer: 'ok', meanwhile: [] }, flaw: undefined })
    notices.arm({ answer: 'ok', meanwhile })
    this.connectionCalls.join({ do: 'join', user: USERS.indexOf(userId), id, kind, streams: [], asUser: false })
  }

  #leaveOut({ where, who, when, meanwhile }: OperationOf<'leaveOut'>): void {
    const reaction: Reaction = { answer: 'ok', meanwhile }
    const troubles = when === 'sent' ? [{ recipient: 0, reaction }] : []
    const extras = { ...NO_EXTRAS, except: [who * 4 + 1], skipped: when === 'skipped' ? reaction : undefined }
    this.#posts.publishTo(this.#world.aim.destination(where), PLAIN, troubles, undefined, extras)
  }

  #regain({ where, by, when }: OperationOf<'regain'>): void {
    const destination = this.#world.aim.destination(where)
    const revoke: Operation = { do: 'revoke', which: 0, by, comeBack: true, flaw: undefined }
    const recorded: Reaction | undefined = when === 'recorded' ? { answer: 'ok', meanwhile: [revoke] } : undefined
    this.#posts.publishTo(destination, { ...PLAIN, meanwhile: when === 'meanwhile' ? [revoke] : [] }, [], undefined, { ...NO_EXTRAS, recorded })
    if (when === 'afterwards') this.#holds.revoke(revoke)
  }
}
