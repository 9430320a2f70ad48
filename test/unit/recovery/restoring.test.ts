import { describe, expect, it } from 'vitest'
import { ConnectionManager, defineStreams } from '../../../src/index.ts'
import { createRecovery, type RecoveryOptions } from '../../../src/recovery/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const streams = defineStreams({
  TRADES: { audience: 'public', symbol: 'required' },
  TICKER: { audience: 'public', symbol: 'optional', delivery: 'latest' },
})
type Streams = typeof streams

const TRADES = { streamType: 'TRADES', symbol: 'A' } as const

/** A manager with a recovery whose own epochs are all `own`. */
function desk(options: RecoveryOptions<Streams> = {}) {
  const recovery = createRecovery<Streams>({ randomEpoch: () => 'own', ...options })
  const manager = new ConnectionManager<FakeSocket, Streams>({ streams, clock: new ManualClock(), recorder: recovery })
  let count = 0
  const connect = (userId = 'alice') => manager.addConnection(`c${++count}`, new FakeSocket(), userId)
  const resume = (position: string, userId?: string) => recovery.subscribe(connect(userId), { ...TRADES, position })
  return { recovery, manager, connect, resume }
}

/** An archive of one channel with one message of each of these epochs. */
function archiveOf({ streamType, symbol }: { readonly streamType: string; readonly symbol: string | null }, epochs: readonly string[], streamTypes = [streamType]): string {
  const message = (epoch: string, order: number) => ({
    epoch,
    seq: 1,
    symbol: symbol ?? epoch,
    text: `{"data":"${epoch}"}`,
    unstamped: null,
    ageMs: 0,
    order,
  })
  const channels = streamTypes.map((each) => ({
    streamType: each,
    symbol,
    userId: null,
    epochs: epochs.map((epoch) => ({ epoch, seq: 1, forgotten: 0 })),
    messages: epochs.map((epoch, index) => message(epoch, index + 1)),
  }))
  return JSON.stringify({ version: 1, exportedAt: new ManualClock().now(), channels, floors: [] })
}

describe('an archive', () => {
  it.each([
    ['a user', { userId: 'eve' }, [false, true]],
    ['a stream type', { streamType: 'TRADES' }, [false, false]],
    ['a symbol', { symbol: 'A' }, [false, false]],
    ['another symbol', { symbol: 'B' }, [true, true]],
  ] as const)('keeps the revocation of %s', (_case, revocation, recovered) => {
    const before = desk()
    before.manager.publish({ ...TRADES, data: 1 })
    before.manager.revoke(revocation)

    const after = desk({ restore: before.recovery.export(), randomEpoch: () => 'new' })

    expect(['eve', 'alice'].map((userId) => after.resume('own:0', userId).recovered)).toEqual(recovered)
  })

  it('keeps after which message each of many revocations came, at the cost of a search each', () => {
    const before = desk()
    for (let index = 0; index < 200; index++) {
      before.manager.publish({ ...TRADES, data: index })
      before.manager.revoke({ userId: `user${index}` })
    }

    const after = desk({ restore: before.recovery.export(), randomEpoch: () => 'new' })

    for (const index of [0, 1, 77, 198]) {
      expect([index, index + 1].map((seq) => after.resume(`own:${seq}`, `user${index}`).recovered)).toEqual([false, true])
    }
    expect(after.resume('own:199', 'user199').recovered).toBe(false)
  })

  it('loses stream types that are no longer in the catalogue, whatever their names', () => {
    const { recovery, resume } = desk({ restore: archiveOf(TRADES, ['e1'], ['TRADES', 'GONE', 'toString']) })

    expect(recovery.stats()).toMatchObject({ channels: 1, messages: 1 })
    expect(resume('e1:0').recovered).toBe(true)
  })

  it('of a channel with more than 32 epochs loses the oldest epochs, from which no client can resume', () => {
    const epochs = Array.from({ length: 40 }, (_, index) => `e${index}`)
    const archive = JSON.parse(archiveOf(TRADES, epochs)) as { channels: { messages: unknown[] }[] }
    for (const channel of archive.channels) channel.messages = []
    const { recovery, connect, resume } = desk({ restore: JSON.stringify(archive) })
    const client = connect()
    recovery.subscribe(client, TRADES)

    const { position } = JSON.parse(client.socket.sent[0] as string) as { readonly position: string }
    const places = position.split(',').map((place) => place.split(':')[0])

    expect(places).toHaveLength(32)
    expect(new Set(places)).toEqual(new Set(['own', ...epochs.slice(9)]))
    expect(resume('e8:1').recovered).toBe(false)
    expect(resume(places.map((epoch) => `${epoch}:${epoch === 'own' ? 0 : 1}`).join(',')).recovered).toBe(true)
  })

  it('restores last values even of epochs that it no longer knows', () => {
    const epochs = Array.from({ length: 40 }, (_, index) => `e${index}`)
    const { recovery, connect } = desk({ restore: archiveOf({ streamType: 'TICKER', symbol: null }, epochs) })
    const client = connect()

    recovery.subscribe(client, { streamType: 'TICKER' })

    expect(client.socket.sent.slice(1)).toEqual(epochs.map((epoch) => `{"data":"${epoch}","snapshot":true}`))
  })

  it('that has texts in the wire form can be restored with a stamp, which then marks the snapshots', () => {
    const stamp: RecoveryOptions<Streams>['stamp'] = (text, { snapshot }) => `${snapshot ? 'snapshot of ' : ''}${text}`
    const { recovery, connect } = desk({ stamp, restore: archiveOf({ streamType: 'TICKER', symbol: null }, ['e1']) })
    const client = connect()

    recovery.subscribe(client, { streamType: 'TICKER', symbol: 'e1' })

    expect(client.socket.sent.slice(1)).toEqual(['snapshot of {"data":"e1"}'])
  })
})

describe('createRecovery', () => {
  it('refuses options that cannot be read', () => {
    const unreadable = new Proxy({}, { ownKeys() { throw new Error('no') } })
    expect(expectCode('ERR_INVALID_OPTION', () => createRecovery<Streams>({ history: { byType: unreadable } }))['option']).toBe('history.byType')
    const unbindable = new Proxy(() => {}, { getOwnPropertyDescriptor() { throw new Error('no') } })
    expect(expectCode('ERR_INVALID_OPTION', () => createRecovery<Streams>({ onError: unbindable }))['option']).toBe('onError')
  })

  it('refuses a publish if stamp returns no text, and does not use its number', () => {
    const answers: unknown[] = [7, 'stamped']
    const stamps: unknown[] = []
    const { manager, connect } = desk({ stamp: (_text, { seq }) => { stamps.push(seq); return answers.shift() as string } })
    const client = connect()
    client.subscribe(TRADES)

    expectCode('ERR_UNSERIALIZABLE', () => manager.publish({ ...TRADES, data: 1 }))
    manager.publish({ ...TRADES, data: 2 })

    expect(stamps).toEqual([1, 1])
    expect(client.socket.sent).toEqual(['stamped'])
  })
})
