import { describe, expect, it } from 'vitest'
import { Dice } from '../../support/dice.ts'
import type { RecorderSettings } from '../../../src/ports/recorder.ts'
import type { StreamMessage } from '../../../src/index.ts'
import type { RecoverableManager, Recovery, RecoveryOptions } from '../../../src/recovery/index.ts'
import { AuditedDesk, streams, type AuditedClient, type Break, type Streams, type Subject } from './audited-desk.ts'

const SUBJECTS: readonly Subject[] = [
  { streamType: 'TRADES', symbol: 'A' },
  { streamType: 'TRADES', symbol: 'B' },
  { streamType: 'TAPE', symbol: 'A' },
  { streamType: 'PRICE', symbol: 'A' },
  { streamType: 'PRICE', symbol: 'B' },
  { streamType: 'NEWS' },
  { streamType: 'NEWS', symbol: 'A' },
  { streamType: 'TICKER' },
  { streamType: 'TICKER', symbol: 'B' },
  { streamType: 'ORDERS' },
]
const TRADES: Subject = { streamType: 'TRADES', symbol: 'A' }
const TAPE: Subject = { streamType: 'TAPE', symbol: 'A' }
const USERS = ['alice', 'bob']

/** One random thing that a desk, or one of its clients, does. */
async function act(desk: AuditedDesk, dice: Dice): Promise<void> {
  const client = dice.pick(desk.clients)
  const subject = dice.pick(SUBJECTS)
  const roll = dice.below(100)
  if (roll < 45) return publish(desk, dice)
  if (roll < 58) return client.read(dice.below(8))
  if (roll < 70) return desk.endTurn()
  if (client.connection === undefined) return roll < 90 ? comeBack(desk, client, dice) : undefined
  if (roll < 86) return client.subscribe(subject, dice.chance(0.8))
  if (roll < 90) return client.unsubscribe(subject)
  if (roll < 95) return client.cut()
  if (roll < 96) return client.reassign(dice.pick(USERS))
  if (roll < 98) return desk.sendToUser(dice.pick(USERS), withSymbol(subject, dice))
  if (roll < 99) desk.revoke({ userId: dice.pick(USERS), streamType: subject.streamType })
}

async function publish(desk: AuditedDesk, dice: Dice): Promise<void> {
  const subject = withSymbol(dice.pick(SUBJECTS), dice)
  const isPrivate = streams[subject.streamType].audience === 'private'
  // A client that is behind is not left out: see the known fault below.
  const except = !isPrivate && dice.chance(0.1) ? [dice.pick(desk.clients)].filter(({ connection }) => connection?.waitingBytes === 0) : []
  desk.publish({ ...subject, userId: isPrivate ? dice.pick(USERS) : undefined }, except)
  // Some of the streams that may be dropped are busy for a while.
  for (let left = dice.chance(0.03) ? 50 + dice.below(150) : 0; left > 0; left--) {
    desk.publish(dice.chance(0.5) ? TAPE : { streamType: 'NEWS', symbol: 'A' })
    if (dice.chance(0.2)) await desk.endTurn()
  }
}

function withSymbol({ streamType, symbol }: Subject, dice: Dice): Subject {
  const hasChoice = symbol === undefined && streamType !== 'ORDERS'
  return { streamType, symbol: hasChoice ? dice.pick([undefined, 'A', 'B']) : symbol }
}

function comeBack(desk: AuditedDesk, client: AuditedClient, dice: Dice): void {
  desk.connect(client)
  for (const subject of SUBJECTS) if (dice.chance(0.5)) client.subscribe(subject, dice.chance(0.9))
}

describe('an audit of a manager with a recovery', () => {
  it.each(Array.from({ length: 30 }, (_, seed) => seed))('finds nothing in a correct run with seed %i', async (seed) => {
    const dice = new Dice(seed)
    const desk = new AuditedDesk({ history: { count: dice.pick([5, 50, 256]), ageMs: dice.pick([20, 100_000]) }, replay: { count: dice.pick([10, 300]) } })
    for (let i = 0; i < 4; i++) desk.client(`client ${i}`, dice.pick(USERS))

    for (let step = 0; step < 1_000; step++) await act(desk, dice)
    desk.settle()

    expect(desk.audit.report().toString().split('\n').slice(1, 12)).toEqual([])
    expect(desk.audit.waiting).toBe(0)
  })

  it('has seen drops, replacements, resumes and refusals in those runs', async () => {
    const dice = new Dice(1)
    const desk = new AuditedDesk({ history: { count: 20 } })
    for (let i = 0; i < 4; i++) desk.client(`client ${i}`, dice.pick(USERS))

    for (let step = 0; step < 1_000; step++) await act(desk, dice)

    const { replaced, told, unchecked } = desk.audit.report().counts
    const { resumes } = desk.recovery.stats()
    for (const count of [replaced, told, resumes.recovered, resumes.refused, desk.manager.stats().dropped]) expect(count).toBeGreaterThan(0)
    expect(unchecked).toBe(0)
  })
})

/** A client of the trades of A that has the first three, is cut, and misses three more. */
function away(options: RecoveryOptions<Streams> = {}, breaking?: Break) {
  const desk = new AuditedDesk(options, breaking)
  const client = desk.client('phone')
  client.subscribe(TRADES)
  desk.publishTimes(3, TRADES)
  desk.settle()
  client.cut()
  desk.publishTimes(3, TRADES)
  desk.connect(client)
  return { desk, client }
}

/** What is reported, as `kind client stream identity`. */
function reported(desk: AuditedDesk): string[] {
  desk.settle()
  return desk.audit.report().faults.map(({ kind, client, streamType, identity }) => `${kind} ${client} ${String(streamType)} ${String(identity)}`)
}

describe('a resume of a whole type of `latest` streams', () => {
  it('sends the messages that waited behind a newer message of another symbol', async () => {
    const desk = new AuditedDesk()
    const client = desk.client('phone')
    const stream = { streamType: 'TICKER' } as const
    client.subscribe(stream)
    for (let turn = 0; turn < 12; turn++) {
      desk.publish({ ...stream, symbol: 'C' })
      await desk.endTurn()
    }
    // The client is behind. A waits before B, and then a newer A takes the place of the one that waits.
    for (const symbol of ['A', 'B', 'A']) desk.publish({ ...stream, symbol })
    let sent: string[] = []
    desk.sabotage = (texts) => ((sent = [...sent, ...texts]), texts)
    desk.settle()
    const { epoch, seq } = JSON.parse(sent.find((text) => text.includes('"symbol":"A"')) ?? '{}') as { readonly epoch: string; readonly seq: number }
    const newcomer = desk.client('tablet')

    // It got the newer A, and lost its connection before B came.
    expect([epoch, seq]).toEqual(['e1', 15])
    expect(desk.recovery.subscribe(newcomer.connection as never, { ...stream, position: `${epoch}:${seq}` })).toMatchObject({ recovered: false, replayed: 3 })
  })
})

describe('a client that is behind, and that a publish leaves out', () => {
  it('gets the notice `skip` in the place of the message', async () => {
    const desk = new AuditedDesk()
    const client = desk.client('phone')
    client.subscribe(TRADES)
    for (let turn = 0; turn < 12; turn++) {
      desk.publish(TRADES)
      await desk.endTurn()
    }
    let sent: string[] = []
    desk.sabotage = (texts) => ((sent = [...sent, ...texts]), texts)
    desk.publish(TRADES)
    desk.publish(TRADES, [client])
    desk.settle()

    const numbers = sent.map((text) => (JSON.parse(text) as { readonly seq: number }).seq)
    expect(numbers.slice(-2)).toEqual([13, 14])
  })
})

describe('an audit reports', () => {
  it('nothing of a resume that works', () => {
    const { desk, client } = away()
    client.subscribe(TRADES)

    expect(reported(desk)).toEqual([])
    expect(desk.audit.report().counts).toMatchObject({ published: 6, received: 6, told: 0 })
  })

  it('a gap notice that was dropped with the messages that it was about', async () => {
    const desk = new AuditedDesk()
    const client = desk.client('phone')
    client.subscribe(TAPE)
    desk.sabotage = (texts) => texts.filter((text) => !text.includes('"type":"gap"'))
    for (let turn = 0; turn < 100; turn++) {
      desk.publish(TAPE)
      await desk.endTurn()
    }

    const faults = reported(desk)

    expect(faults.length).toBeGreaterThan(10)
    expect(faults.every((fault) => fault.startsWith('lost phone TAPE'))).toBe(true)
  })

  it('an answer `recovered: false` that was dropped', () => {
    const { desk, client } = away({ history: { count: 1 } })
    desk.sabotage = (texts) => texts.filter((text) => !text.includes('"type":"subscribed"'))
    client.subscribe(TRADES)
    desk.publish(TRADES)

    expect(reported(desk)).toEqual(['lost phone TRADES 4', 'lost phone TRADES 5', 'lost phone TRADES 6'])
  })

  it('numbers without a history', () => {
    const { desk, client } = away({ history: { count: 0 } })
    desk.sabotage = claimRecovered
    client.subscribe(TRADES)
    desk.publish(TRADES)

    expect(reported(desk)).toEqual(['lost phone TRADES 4', 'lost phone TRADES 5', 'lost phone TRADES 6'])
  })

  it('a replay before its notice', () => {
    const { desk, client } = away()
    desk.sabotage = (texts) => [...texts].sort((one, other) => Number(one.includes('"subscribed"')) - Number(other.includes('"subscribed"')))
    client.subscribe(TRADES)

    expect(reported(desk)).toEqual(['outOfOrder phone TRADES 4', 'outOfOrder phone TRADES 5', 'outOfOrder phone TRADES 6'])
    expect(desk.audit.report().outOfOrder[0]?.text).toMatch(/TRADES:A 4, published at step \d+, came before the answer to the subscription$/)
  })

  it('a position from the future that is taken for recovered', () => {
    const { desk, client } = away()
    desk.sabotage = claimRecovered
    client.subscribe(TRADES, true, 'e1:500')

    expect(reported(desk)).toEqual(['missing phone TRADES 4', 'missing phone TRADES 5', 'missing phone TRADES 6'])
  })

  it('a channel that was forgotten, and then numbered on in the same epoch', () => {
    const desk = new AuditedDesk({ history: { ageMs: 100 }, randomEpoch: () => 'always' })
    const client = desk.client('phone')
    client.subscribe(TRADES)
    desk.publishTimes(3, TRADES)
    desk.settle()
    client.cut()
    desk.clock.advance(600_000)
    expect(desk.recovery.stats().channels).toBe(0)
    desk.publishTimes(5, TRADES)
    desk.connect(client)
    client.subscribe(TRADES)

    expect(reported(desk)).toEqual(['lost phone TRADES 4', 'lost phone TRADES 5', 'lost phone TRADES 6'])
  })

  it('a revocation that a replay ignores', () => {
    const run = (breaking?: Break) => {
      const desk = new AuditedDesk({}, breaking)
      const client = desk.client('phone')
      client.subscribe({ streamType: 'ORDERS' })
      desk.publish({ streamType: 'ORDERS', userId: 'alice' })
      desk.settle()
      client.cut()
      desk.publish({ streamType: 'ORDERS', userId: 'alice' })
      desk.revoke({ userId: 'alice', streamType: 'ORDERS' })
      desk.publish({ streamType: 'ORDERS', userId: 'alice' })
      desk.connect(client)
      client.subscribe({ streamType: 'ORDERS' })
      return reported(desk)
    }

    expect(run()).toEqual([])
    expect(run(deafToRevocations)).toEqual(['leaked phone ORDERS 2'])
  })

  it('a subscriber in a `toJSON` that misses the message', () => {
    const run = (sabotage?: AuditedDesk['sabotage']) => {
      const desk: AuditedDesk = new AuditedDesk({}, (recovery) => auditing(recovery, () => desk))
      const client = desk.client('phone')
      desk.sabotage = sabotage ?? desk.sabotage
      const subscribeFirst = { toJSON: () => (client.subscribe(TRADES), { id: 'first' }) }
      for (const data of [subscribeFirst, { id: 'second' }]) desk.manager.publish({ streamType: 'TRADES', symbol: 'A', data })
      return reported(desk)
    }

    expect(run()).toEqual([])
    expect(run((texts) => texts.filter((text) => !text.includes('first')))).toEqual(['lost phone TRADES first'])
  })

  it.each<[string, (texts: string[]) => string[], string[]]>([
    ['a message that a replay leaves out', ([notice, four, _five, six]) => [notice, four, six] as string[], ['lost phone TRADES 5']],
    ['a message that comes twice', ([notice, four, ...rest]) => [notice, four, four, ...rest] as string[], ['twice phone TRADES 4']],
    ['two that are swapped', ([notice, four, five, six]) => [notice, five, four, six] as string[], ['outOfOrder phone TRADES 4']],
    ['the end of a replay that does not come', (texts) => texts.slice(0, -1), ['missing phone TRADES 6']],
    ['a message that nobody published', (texts) => [...texts, (texts[1] as string).replace('"id":4', '"id":"4"')], ['unknown phone TRADES 4']],
  ])('%s', (_what, sabotage, faults) => {
    const { desk, client } = away()
    let isDone = false
    desk.sabotage = (texts) => (isDone ? texts : ((isDone = true), sabotage(texts)))
    client.subscribe(TRADES)

    expect(reported(desk)).toEqual(faults)
  })

  it('a message of another user, even if it is labelled as the client’s own', () => {
    const desk = new AuditedDesk()
    const [alice, bob] = [desk.client('phone', 'alice'), desk.client('desk', 'bob')]
    for (const client of [alice, bob]) client.subscribe({ streamType: 'ORDERS' })
    desk.settle()
    desk.sabotage = (texts, client) => (client === alice ? texts.map((text) => text.replace('"id":1}', '"id":2}')) : texts)
    desk.publish({ streamType: 'ORDERS', userId: 'alice' })
    desk.publish({ streamType: 'ORDERS', userId: 'bob' })

    expect(reported(desk)).toEqual(['leaked phone ORDERS 2', 'missing phone ORDERS 1'])
  })
})

function claimRecovered(texts: string[]): string[] {
  return texts.map((text) => text.replace('"recovered":false', '"recovered":true'))
}

/** A recovery that is not told of revocations. */
function deafToRevocations(recovery: Recovery<Streams>): Recovery<Streams> {
  const attach = recovery.attach.bind(recovery)
  return Object.assign(recovery, {
    attach: (manager: RecoverableManager, settings: RecorderSettings) => {
      const on = manager.on.bind(manager)
      const deaf = Object.create(manager) as RecoverableManager
      const bound = new Proxy(deaf, {
        get: (_, name) => (name === 'on' ? (event: 'revoked', listener: () => void) => (event === 'revoked' ? () => {} : on(event, listener)) : methodOf(manager, name)),
      })
      attach(bound, settings)
    },
    revoked() {},
  })
}

function methodOf(target: object, name: string | symbol): unknown {
  const value = (target as Record<string | symbol, unknown>)[name]
  return typeof value === 'function' ? (value.bind(target) as unknown) : value
}

/** A recovery that tells the audit of each message when it records it, which is after its data was made. */
function auditing(recovery: Recovery<Streams>, desk: () => AuditedDesk): Recovery<Streams> {
  const record = recovery.record.bind(recovery)
  return Object.assign(recovery, {
    record: (message: StreamMessage<unknown, string>, text: string) => {
      desk().audit.published({ ...message, data: (JSON.parse(text) as { readonly data: unknown }).data })
      return record(message, text)
    },
  })
}
