import { EVENT_NAMES } from '../../support/event-names.ts'
import { chosen } from './aim.ts'
import { keyOf, type Stream } from './catalogue.ts'
import { hasSendQueue, isOfHost, mayWait } from './deliveries.ts'
import type { ConnectionFact } from './facts.ts'
import type { Content, EventName, OperationOf } from './operations.ts'
import type { Posts } from './posts.ts'
import type { ScriptedSocket } from './sockets.ts'
import { PASS, refusedWith } from './stage.ts'
import { describe } from './trace.ts'
import type { World } from './world.ts'

const BUFFERED = { nothing: 0, little: 30, much: 1e9, nonsense: NaN } as const
const ACCEPTED = { all: undefined, none: 0, one: 1 } as const

/** What happens around the manager: what sockets and listeners will do next, pressure, time, and questions. */
export class Environment {
  readonly #world: World
  readonly #posts: Posts

  constructor(world: World, posts: Posts) {
    this.#world = world
    this.#posts = posts
  }

  arm({ do: name, who, reaction }: OperationOf<'armSend' | 'armClose'>): void {
    const connection = this.#world.aim.connection(who)
    if (connection?.isLive === true) this.#world.userCode.arm(connection.socket, name === 'armSend' ? 'nextSends' : 'nextCloses', reaction)
  }

  armFrame({ reaction }: OperationOf<'armFrame'>): void {
    this.#world.userCode.armFrame(reaction)
  }

  armListener({ event: n, reaction }: OperationOf<'armListener'>): void {
    this.#world.userCode.armListener(chosen(EVENT_NAMES, n) as EventName, reaction)
  }

  listen({ event, isOff }: OperationOf<'listen'>): void {
    if (isOff) this.#world.userCode.unlisten()
    else this.#world.userCode.listen(chosen(EVENT_NAMES, event) as EventName)
  }

  /** Asks for, and takes away, what nobody has: nothing is found, and nothing is thrown. */
  ask({ who }: OperationOf<'ask'>): void {
    const { manager, facts, aim } = this.#world
    const stranger = [undefined, null, 7, '', '\ud800', 'nobody', {}][who % 7] as never
    const connection = aim.connection(who)
    this.#world.call({
      name: 'questions',
      text: () => `// questions about ${describe(stranger)}`,
      verdict: PASS,
      act: () => [
        manager.getConnection(stranger),
        manager.getUserConnections(stranger).length,
        manager.getUserSubscriptions(stranger).length,
        manager.getSubscribers(stranger, stranger).length,
        manager.removeSubscription({ userId: stranger, streamType: stranger, symbol: stranger }),
        connection?.handle?.unsubscribe({ streamType: stranger, symbol: stranger }) ?? false,
        facts.connections.length === 0 ? false : manager.userConnections.has(stranger),
      ],
      check: (answers) =>
        this.#world.expect(
          'what is found of a stranger',
          JSON.stringify(answers),
          JSON.stringify([undefined, 0, 0, 0, false, false, false]),
        ),
    })
    this.#world.call({
      name: 'questions',
      text: () => `manager.removeSubscription(${describe(stranger)}), which names nothing`,
      verdict: refusedWith('ERR_INVALID_ARGUMENT'),
      act: () => manager.removeSubscription(stranger),
    })
  }

  // Pressure

  press({ who, buffered, accepts }: OperationOf<'press'>): void {
    const connection = this.#world.aim.connection(who)
    if (connection?.isLive === true) this.#put(connection, BUFFERED[buffered], ACCEPTED[accepts])
  }

  drain({ who, tells }: OperationOf<'drain'>): void {
    const connection = this.#world.aim.connection(who)
    if (connection === undefined) return
    this.#put(connection, 0, undefined)
    if (tells === 'drained') this.#drained(connection)
    if (tells === 'listener') this.#tellOfRoom(connection)
  }

  /** One connection is behind, and gets messages of what it receives; then it may have some room. */
  burst({ who, paddings, first, accepts, then }: OperationOf<'burst'>): void {
    const { aim } = this.#world
    const connection = aim.connection(who)
    if (connection?.isLive !== true) return
    this.#put(connection, BUFFERED.much, undefined)
    for (const [i, padding] of paddings.entries()) {
      const destination = chosen(aim.received(connection), first + i * (i % 3))
      const content: Content = { form: 'object', padding, meanwhile: [] }
      if (destination !== undefined) this.#posts.publishTo(destination, content)
    }
    if (!connection.isLive || then === 'nothing') return
    this.#put(connection, 0, ACCEPTED[accepts])
    if (then === 'drained') this.#drained(connection)
    else if (this.#world.stage.depth === 0) this.tick()
  }

  flush({ who, handedOn }: OperationOf<'flush'>): void {
    const { aim, stage, ledger } = this.#world
    const connection = aim.connection(who)
    if (connection?.handle === undefined) return
    this.#world.armHandingOn([connection], handedOn)
    this.#world.handsOn(connection)
    const { handle, socket, isLive } = connection
    const isUndisturbed = stage.depth === 0 && isLive && !this.#world.pressures.mayBeBehind(connection) && socket.nextSends.length === 0
    this.#world.call({
      name: 'flush',
      text: () => `${socket.name}'s handle.flush()`,
      verdict: PASS,
      act: () => handle.flush(),
      check: (isEmpty) => {
        if (!isUndisturbed) return
        this.#world.expect('flush', isEmpty, true)
        if (ledger.openOf(connection).some(({ state }) => state === 'awaited'))
          this.#world.complain(`${socket.name} has something after it was flushed`)
      },
    })
  }

  /** Purges what waits for a connection: of a stream that something waits of, if there is one. */
  purge({ who, stream: n, isOfType, flaw }: OperationOf<'purge'>): void {
    const { aim, ledger } = this.#world
    const connection = aim.connection(who)
    if (connection?.handle === undefined) return
    const { handle, socket } = connection
    const waiting = ledger.openOf(connection).filter(({ delivery }) => !isOfHost(delivery.way)).map(({ delivery }) => delivery.stream)
    const { streamType, symbol } = chosen(waiting, n) ?? aim.stream(n)
    const reference = { streamType, ...(!isOfType && { symbol }), ...(flaw === 'unknownField' && { simbol: 'x' }) }
    const isMeant = (each: Stream): boolean => each.streamType === streamType && (isOfType || symbol === undefined || each.symbol === symbol)
    this.#world.call({
      name: 'purge',
      text: () => `${socket.name}'s handle.purge(${describe(reference)})`,
      verdict: flaw === undefined ? PASS : refusedWith('ERR_INVALID_ARGUMENT'),
      commit: () => this.#world.purge(connection, isMeant),
      act: () => handle.purge(flaw === 'nothing' ? (undefined as never) : reference),
    })
  }

  breakDown({ who }: OperationOf<'breakDown'>): void {
    const connection = this.#world.aim.connection(who)
    if (connection?.isLive !== true || !hasSendQueue(connection)) return
    connection.socket.nextSends.unshift({ answer: 'throw', meanwhile: [] })
    this.#world.trace.say(() => `// ${connection.socket.name} breaks`)
    this.#world.handsOn(connection)
    this.#flushNow(connection)
  }

  #flushNow({ handle, socket }: ConnectionFact): void {
    if (handle === undefined) return
    this.#world.call({ name: 'flush', text: () => `${socket.name}'s handle.flush()`, verdict: PASS, act: () => handle.flush() })
  }

  /** Lets every socket take all there is, and sees that all of it comes. */
  recover(): void {
    const { facts, setting, trace } = this.#world
    trace.say(() => '// everybody has room again')
    this.#world.userCode.disarm()
    for (const connection of facts.live) this.#put(connection, 0, undefined)
    for (const connection of facts.live) {
      if (connection.socket.kind === 'reporting') this.#tellOfRoom(connection)
      else if (setting.drainIntervalMs === Infinity) this.#drained(connection)
    }
    this.tick()
    this.advance(50)
    this.tick()
    this.#assertRecovered()
  }

  #assertRecovered(): void {
    const { manager, facts, inboxes } = this.#world
    const { waiting, connectionsBehind, waitingBytes } = manager.stats()
    for (const connection of facts.live) {
      for (const complaint of inboxes.late(connection)) this.#world.complain(complaint)
      if (connection.socket.drainListeners.size > 0) this.#world.complain(`${connection.socket.name} is listened to for room, and has it`)
    }
    this.#world.expect('what waits when there is room', waiting + connectionsBehind + waitingBytes, 0)
  }

  /** From now on a socket has so much buffered, and accepts so many frames of a write. */
  #put(connection: ConnectionFact, buffered: number, accepts: number | undefined): void {
    const { socket } = connection
    const { ledger, pressures, stage } = this.#world
    ledger.pressureChanges(connection)
    if (stage.depth > 0) pressures.changesMeanwhile(connection, buffered)
    socket.buffered = buffered
    socket.accepts = accepts
    connection.wasPressed ||= isPressed(socket)
    this.#world.trace.say(
      () => `${socket.name}.buffered = ${buffered}${accepts === undefined ? '' : `; ${socket.name}.accepts = ${accepts}`}`,
    )
  }

  #drained(connection: ConnectionFact): void {
    const { handle, socket } = connection
    if (handle === undefined) return
    this.#world.handsOn(connection)
    this.#world.call({ name: 'drained', text: () => `${socket.name}'s handle.drained()`, verdict: PASS, act: () => handle.drained() })
  }

  #tellOfRoom(connection: ConnectionFact): void {
    const { socket } = connection
    if (socket.drainListeners.size > 0) this.#world.handsOn(connection)
    this.#world.happen(
      'drain event',
      () => `${socket.name}.tellOfRoom()`,
      () => socket.tellOfRoom(),
    )
  }

  // Time

  tick(): void {
    const { facts, ledger, atEndOfTick, pressures } = this.#world
    const due = facts.live.flatMap((each) => ledger.openOf(each)).filter(({ connection, passes }) => passes || !mayWait(connection))
    const isTurn = atEndOfTick.length > 0
    this.#world.happen(
      'end of tick',
      () => '// the tick ends',
      () => {
        for (const act of atEndOfTick.splice(0)) act()
      },
    )
    if (isTurn) pressures.turnEnds()
    for (const { connection, state, delivery, passes } of due) {
      const isLate = state === 'awaited' && connection.isLive && (passes || !mayWait(connection))
      if (isLate) this.#world.complain(`message ${delivery.number} was not written to ${connection.socket.name} at the end of the tick`)
    }
    if (isTurn) ledger.turnEnds()
  }

  /** Lets time pass, mostly as much as it takes for something to happen. */
  pass({ by }: OperationOf<'advance'>): void {
    const { setting, facts } = this.#world
    const { pendingTtlMs, idleDelayMs, closeTimeoutMs, maxLagMs } = setting
    const durations = [facts.untilDueMs(), 50, 0, 7, pendingTtlMs, idleDelayMs, closeTimeoutMs, 30, 1, maxLagMs, 110].filter((ms) => ms <= 1_000)
    this.advance(chosen(durations, by) ?? 0)
  }

  advance(ms: number): void {
    const { atEndOfTick, clock, closings, facts, pressures } = this.#world
    const isTurn = atEndOfTick.length > 0
    this.#world.happen(
      'time passes',
      () => `clock.advance(${ms})`,
      () => {
        clock.advance(ms)
        pressures.timePassed(isTurn || atEndOfTick.length > 0)
        closings.timePassed()
        for (const key of facts.overdueIdling()) facts.idling.delete(key)
        const late = facts.overdue().filter(({ view }) => view?.status !== 'DISCONNECTED')
        if (late.length > 0) this.#world.complain(`${late.map((each) => keyOf(each.stream)).join(', ')} is pending still, after its time`)
      },
    )
  }

  jump({ ms }: OperationOf<'jump'>): void {
    this.#world.trace.say(() => `clock.jump(${ms})`)
    this.#world.clock.jump(ms)
  }
}

function isPressed({ kind, buffered, accepts }: ScriptedSocket): boolean {
  const isFull = buffered > 0 && kind !== 'plain' && kind !== 'unmeasured'
  return isFull || (accepts !== undefined && kind !== 'plain' && kind !== 'metered')
}
