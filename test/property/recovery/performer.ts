import { fakeTransport } from '../../../src/testing/index.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { channelName, isPrivate, streamName, streams, SYMBOLS, type Stream } from './catalogue.ts'
import type { Client, SocketKind } from './client.ts'
import { Choices, type Kind, type Operation } from './operations.ts'
import { IDLE_DELAY_MS } from './settings.ts'
import type { Kept } from './view.ts'
import { USERS, type World } from './world.ts'

const KINDS: readonly SocketKind[] = ['plain', 'measured', 'measured', 'batched', 'batched']
const FULL = 1e9
const SETTLING_TURNS = 4
const POLL_MS = 50
const PADDINGS = [0, 5, 40, 200]

/** Performs operations on a world. */
export class Performer {
  readonly #world: World
  readonly #endsOfTick: (() => void)[]
  readonly #acts: { readonly [TKind in Kind]: (choices: Choices) => void }
  #connections = 0

  constructor(world: World, endsOfTick: (() => void)[]) {
    this.#world = world
    this.#endsOfTick = endsOfTick
    this.#acts = {
      publish: (choices) => this.#publish(choices),
      subscribe: (choices) => this.#subscribe(choices),
      read: (choices) => this.#any(choices)?.read(choices.below(6) + 1),
      tick: () => this.#tick(),
      advance: (choices) => this.#advance(choices),
      connect: (choices) => this.#connect(choices),
      cut: (choices) => this.#cut(choices, false),
      press: (choices) => this.#press(choices),
      relieve: (choices) => this.#relieve(this.#any(choices), choices.chance(50) ? choices.below(4) + 1 : Infinity),
      arm: (choices) => this.#arm(choices),
      batch: (choices) => this.#batch(choices),
      ordeal: (choices) => this.#ordeal(choices),
      unsubscribe: (choices) => this.#unsubscribe(choices),
      audit: () => this.audit(),
      revoke: (choices) => this.#revoke(choices),
      save: (choices) => this.#save(choices),
      reassign: (choices) => this.#reassign(choices),
      remove: (choices) => this.#cut(choices, true),
      settle: () => this.settle(),
      restart: (choices) => this.#restart(choices),
    }
  }

  perform({ kind, choices }: Operation): void {
    this.#acts[kind](new Choices(choices))
  }

  /** Everybody gets and reads all there is. Then nothing may be missing. */
  settle(): void {
    const { clients, complain, say, server } = this.#world
    say.call(this.#world, () => 'everybody reads')
    for (let turn = 0; turn < SETTLING_TURNS; turn++) {
      for (const client of clients) this.#relieve(client)
      this.#tick()
      this.#pass(POLL_MS)
    }
    for (const client of clients) {
      client.read(Infinity)
      client.prune()
      for (const view of client.views.values()) {
        const missing = view.judgedUntil === Infinity ? view.missing() : undefined
        if (missing !== undefined) complain(`${client.name}: ${streamName(view.stream)}: ${missing}`)
      }
      for (const { endsAt, stream } of client.answers.values()) if (endsAt === Infinity) complain(`${client.name}: ${streamName(stream)}: no answer came`)
    }
    const { waiting } = server.manager.stats()
    if (waiting > 0) complain(`${waiting} messages wait, and everybody has room`)
  }

  /** What is held must be what the list says, within the bounds. */
  audit(): void {
    const { complain, history, nowMs, server, settings: { limits } } = this.#world
    history.age(nowMs)
    const { channels, messages, units } = server.recovery.stats()
    const [is, expected] = [`${channels} channels, ${messages} messages, ${units} units`, `${history.channels.size} channels, ${history.held.length} messages, ${history.heldUnits} units`]
    if (is !== expected) complain(`the recovery has ${is}; there must be ${expected}`)
    if (units > limits.totalUnits) complain(`${units} units are held, more than ${limits.totalUnits}`)
    this.#auditArchive()
  }

  #auditArchive(): void {
    const { complain, history, server } = this.#world
    const archive = JSON.parse(server.recovery.export()) as { channels: { messages: { epoch: string; seq: number; ageMs: number; order: number }[] }[] }
    const held = archive.channels.flatMap(({ messages }) => messages).sort((one, other) => one.order - other.order).map(({ epoch, seq }) => `${epoch}:${seq}`)
    const expected = history.held.map(({ epoch, seq }) => `${epoch}:${seq}`)
    if (held.join() !== expected.join()) complain(`the archive has ${held.join(', ')}; there must be ${expected.join(', ')}`)
  }

  /** Everybody leaves. When time has passed, nothing may be left, and no timer. */
  async finish(): Promise<void> {
    const { clients, clock, complain, server, settings: { limits: { ageMs } } } = this.#world
    this.settle()
    this.audit()
    for (const client of clients) if (client.connection !== undefined) this.#remove(client)
    this.#tick()
    this.#pass(IDLE_DELAY_MS)
    this.#pass(ageMs)
    this.audit()
    const { channels, messages, units } = server.recovery.stats()
    if (channels + messages + units > 0) complain(`${channels} channels, ${messages} messages, ${units} units are left when everybody has gone`)
    await server.manager.cleanup()
    this.#pass(ageMs)
    if (clock.pendingTimers > 0) complain(`${clock.pendingTimers} timers are left when everybody has gone`)
  }

  #any(choices: Choices): Client | undefined {
    return choices.of(this.#world.clients.filter(({ connection }) => connection !== undefined))
  }

  // Messages

  #publish(choices: Choices): void {
    const stream = published(this.#someStream(choices), choices)
    const userId = choices.of(USERS) as string
    const padding = choices.of(PADDINGS) as number
    const count = choices.chance(25) ? choices.below(12) : 1
    const special = choices.below(100)
    if (special < 3) return this.#world.publish(stream, userId, padding, { data: () => 1n })
    if (special < 5) this.#world.unstampable = { stream, userId }
    const except = special < 10 ? this.#any(choices) : undefined
    if (special >= 10 && special < 13) return this.#publishWith(choices, stream, userId)
    for (let i = 0; i < count; i++) this.#world.publish(published(stream, choices), userId, padding, { except })
    this.#world.unstampable = undefined
  }

  /** A `toJSON` makes something happen before its message is numbered. */
  #publishWith(choices: Choices, stream: Stream, userId: string): void {
    this.#world.publish(stream, userId, 0, { data: (n) => ({ toJSON: () => (this.#inToJson(choices), { n }) }) })
  }

  #inToJson(choices: Choices): void {
    this.#world.inside(() => this.#reaction(choices.rest())())
  }

  /** Mostly a stream that somebody holds. */
  #someStream(choices: Choices): Stream {
    const held = this.#world.clients.flatMap(({ streams }) => streams)
    return (choices.chance(80) ? choices.of(held) : undefined) ?? (choices.of(this.#world.settings.streams) as Stream)
  }

  #arm(choices: Choices): void {
    const client = choices.of(this.#world.clients.filter(({ connection, kind }) => connection !== undefined && kind !== 'batched'))
    if (client !== undefined) this.#world.arm(client, this.#reaction(choices.rest()))
  }

  /** Several messages and subscribes in one step, while sockets make something happen. */
  #batch(choices: Choices): void {
    const { server } = this.#world
    this.#world.say(() => 'a batch')
    server.manager.batch(() => {
      let rest = choices.rest()
      for (let left = choices.below(5) + 1; left > 0; left--) {
        const act = choices.of([this.#publish, this.#arm, this.#arm, this.#subscribe]) as (choices: Choices) => void
        act.call(this, rest)
        rest = rest.rest()
      }
    })
  }

  /** What user code does in the middle of a call. */
  #reaction(choices: Choices): () => void {
    const acts = Array.from({ length: choices.below(4) + 1 }, () => this.#oneReaction(choices))
    return () => {
      for (const act of acts) act()
    }
  }

  #oneReaction(choices: Choices): () => void {
    const acts: (() => void)[] = [
      () => this.#world.publish(this.#someStream(choices), choices.of(USERS) as string, 5),
      () => this.#world.publish(this.#someStream(choices), choices.of(USERS) as string, 60),
      () => this.#subscribe(choices),
      () => this.#revoke(choices),
    ]
    return acts[choices.below(acts.length)] as () => void
  }

  // Connections

  /** A client is behind, gets a part of what waits, reads a part of that, loses its connection, and comes back with what it has. */
  #ordeal(choices: Choices): void {
    const client = choices.of(this.#world.clients.filter(({ connection, kind, views }) => connection !== undefined && kind !== 'plain' && views.size > 0))
    const stream = client && choices.of([...client.views.values()])?.stream
    if (client?.socket === undefined || stream === undefined) return
    this.#tick()
    client.read(Infinity)
    client.fullFrom = client.socket.sent.length
    this.#world.say(() => `${client.name} has no room`)
    for (let left = choices.below(7) + 1; left > 0; left--) this.#world.publish(published(stream, choices), client.userId, 5)
    this.#tick()
    this.#relieve(client, choices.chance(50) ? choices.below(4) + 1 : Infinity)
    client.read(choices.below(client.unread + 1))
    if (client.connection !== undefined) this.#remove(client)
    this.#connectAs(client, choices)
    const kept = client.kept.findLast((each) => streamName(each.stream) === streamName(stream))
    this.#world.subscribe(client, stream, kept && { text: kept.text, ...(kept.userId === client.userId && { kept }) })
  }

  #connect(choices: Choices): void {
    const client = choices.of(this.#world.clients.filter(({ connection }) => connection === undefined))
    if (client !== undefined) this.#connectAs(client, choices)
  }

  #connectAs(client: Client, choices: Choices): void {
    client.kind = choices.of(KINDS) as SocketKind
    client.accepts = undefined
    client.fullFrom = Infinity
    const socket = client.kind === 'plain' ? new FakeSocket() : new FakeSocket({ bufferedAmount: 0 })
    const bufferedAmount = (): number => (socket.sent.length < client.fullFrom ? 0 : FULL)
    if (client.kind !== 'plain') Object.defineProperty(socket, 'bufferedAmount', { get: bufferedAmount, set: () => {} })
    if (client.kind === 'batched') socket.script.write = () => client.accepts
    const options = client.kind === 'batched' ? { transport: fakeTransport() } : {}
    const id = `${client.name}.${++this.#connections}`
    client.connected(this.#world.server.manager.addConnection(id, socket, client.userId, options), socket)
    this.#world.say(() => `${client.name} (${client.userId}) connects, ${client.kind}`)
  }

  /** The client is cut off: what it has not read is lost. */
  #cut(choices: Choices, isPolite: boolean): void {
    const client = this.#any(choices)
    if (client === undefined) return
    client.read(isPolite ? Infinity : choices.below(client.unread + 1))
    this.#remove(client)
  }

  #remove(client: Client): void {
    const { connection, unread } = client
    this.#world.say(() => `${client.name} is cut off, ${unread} unread`)
    client.cut()
    void connection?.remove()
  }

  #press(choices: Choices): void {
    const client = this.#any(choices)
    if (client?.socket === undefined || client.kind === 'plain') return
    if (client.kind === 'batched' && choices.chance(50)) client.accepts = choices.below(4)
    else client.fullFrom = client.socket.sent.length
    this.#world.say(() => `${client.name} has no room`)
  }

  /** Gives a client room for everything, or only for a few more texts. */
  #relieve(client: Client | undefined, room = Infinity): void {
    if (client?.socket === undefined || client.kind === 'plain') return
    this.#world.say(() => `${client.name} has room for ${room}`)
    client.accepts = room === Infinity ? undefined : room
    client.fullFrom = client.socket.sent.length + room
    client.socket.drain()
    client.connection?.drained()
  }

  #reassign(choices: Choices): void {
    const client = this.#any(choices)
    if (client?.connection === undefined) return
    const userId = choices.of(USERS) as string
    if (userId === client.userId) return
    this.#world.say(() => `${client.name} is given to ${userId}`)
    client.connection.reassign(userId)
    client.reassigned(userId)
    client.loseAnswers()
    client.end(isPrivate)
  }

  // Subscriptions

  #subscribe(choices: Choices): void {
    const client = this.#any(choices)
    if (client === undefined) return
    if (this.#world.depth === 0) client.prune()
    const { streams } = client
    const stream = (choices.chance(60) ? choices.of(streams) : undefined) ?? (choices.of(this.#world.settings.streams) as Stream)
    const back = choices.of(client.kept.filter((each) => !client.excludes(each.stream)))
    const isBack = back !== undefined && choices.chance(75)
    const wanted = isBack ? back.stream : stream
    if (client.excludes(wanted)) return
    this.#world.snapshotMode = choices.of(['book', 'book', 'nothing', 'throw', 'publish']) ?? 'book'
    this.#world.subscribe(client, wanted, this.#asked(choices, client, wanted))
  }

  #asked(choices: Choices, client: Client, stream: Stream): { readonly text: string; readonly kept?: Kept } | undefined {
    const name = streamName(stream)
    const own = [client.views.get(name)?.kept(), ...client.kept.filter((each) => streamName(each.stream) === name)].filter((each) => each !== undefined)
    const newest = own.length > 1 && choices.chance(70) ? (own[0] ?? own.at(-1)) : choices.of(own)
    const place = choices.below(100)
    if (place < 15) return undefined
    if (place < 22) return { text: this.#nonsense(choices, newest?.text ?? 'e1:1') }
    if (place < 28) return this.#foreign(choices)
    if (newest === undefined) return undefined
    const isOwn = channelName(newest.stream, newest.userId) === channelName(stream, client.userId)
    return isOwn ? { text: newest.text, kept: newest } : { text: newest.text }
  }

  /** A position of another client, mostly of another stream. */
  #foreign(choices: Choices): { readonly text: string } | undefined {
    const kept = choices.of(this.#world.clients.flatMap((each) => each.kept))
    return kept && { text: kept.text }
  }

  #nonsense(choices: Choices, text: string): string {
    const made = [() => '', () => `${text},${text}`, () => text.replace(/\d+$/, (seq) => String(Number(seq) + 1 + choices.below(3))), () => `${text},`, () => `zz:${choices.below(5)}`]
    return (made[choices.below(made.length)] as () => string)()
  }

  #unsubscribe(choices: Choices): void {
    const client = this.#any(choices)
    const stream = client && choices.of(client.streams)
    if (client === undefined || stream === undefined) return
    client.read(Infinity)
    this.#world.say(() => `${client.name} unsubscribes ${streamName(stream)}`)
    client.connection?.unsubscribe(stream)
    client.forget(stream)
  }

  #revoke(choices: Choices): void {
    const { streamType, symbol } = this.#someStream(choices)
    const userId = choices.chance(80) ? choices.of(USERS) : undefined
    if (choices.chance(70) || userId === undefined) this.#world.revoke(userId, streamType, choices.chance(60) ? symbol : undefined)
    else this.#world.revoke(userId, undefined, undefined)
  }

  #save(choices: Choices): void {
    const client = this.#any(choices)
    for (const { stream } of client?.views.values() ?? []) client?.keep(stream)
  }

  // Time

  #tick(): void {
    this.#world.say(() => 'the turn ends')
    for (const act of this.#endsOfTick.splice(0)) act()
  }

  #advance(choices: Choices): void {
    const { ageMs } = this.#world.settings.limits
    this.#pass(choices.of([0, 0, 1, 10, 10, POLL_MS, IDLE_DELAY_MS, Math.round(ageMs / 3), choices.chance(20) ? ageMs : 5, choices.chance(10) ? ageMs * 1.5 : 2]) ?? 0)
  }

  #pass(ms: number): void {
    const { clients, clock, say } = this.#world
    say.call(this.#world, () => `${ms} ms pass`)
    clock.advance(ms)
    for (const { connection, spent } of clients) if (connection?.waitingBytes === 0) Object.assign(spent, { count: 0, units: 0 })
  }

  /** The server is started anew: with what it exported, or with nothing. */
  #restart(choices: Choices): void {
    const { clients, clock, history, nowMs, server, settings } = this.#world
    for (const client of clients) {
      if (client.connection === undefined) continue
      client.read(choices.below(client.unread + 1))
      this.#remove(client)
    }
    void server.manager.cleanup()
    const text = server.recovery.export()
    const isRestored = choices.chance(80)
    clock.advance(choices.of([0, 10, settings.limits.ageMs / 2]) ?? 0)
    this.#world.say(() => `the server restarts, ${isRestored ? 'and restores' : 'without its history'}`)
    history.restart(isRestored, nowMs, this.#world.nowMs)
    this.#world.server = this.#world.start(isRestored ? text : undefined)
  }
}

/** To a whole type, messages of all its symbols are published. */
function published(stream: Stream, choices: Choices): Stream {
  const isWhole = stream.symbol === undefined && streams[stream.streamType].symbol === 'optional'
  return isWhole && choices.chance(70) ? { ...stream, symbol: choices.of(SYMBOLS) } : stream
}
