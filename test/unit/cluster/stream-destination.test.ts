import { describe, expect, it } from 'vitest'
import { StreamDestination } from '../../../src/cluster/stream-destination.ts'
import { ConnectionManager, type Socket } from '../../../src/index.ts'
import { createRecovery } from '../../../src/recovery/index.ts'
import { streams, type Streams } from '../../support/cluster/catalogue.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const TRADES = { streamType: 'TRADES', symbol: 'A', userId: undefined }

function destinationOf(channel = TRADES) {
  let epochs = 0
  const recovery = createRecovery<Streams>({ randomEpoch: () => `own${++epochs}` })
  const manager = new ConnectionManager<Socket, Streams>({ streams, clock: new ManualClock(), recorder: recovery })
  const missed: unknown[] = []
  const errors: unknown[] = []
  const destination = new StreamDestination(channel, { log: recovery.log, manager: manager as never, missed: (_channel, missing) => missed.push(missing), report: (error) => errors.push(error) })
  const socket = new FakeSocket()
  const connection = manager.addConnection('c1', socket, 'ann')
  connection.subscribe({ streamType: 'TRADES', symbol: 'A' } as never)
  return { destination, recovery, manager, socket, missed, errors }
}

const message = (seq: number, symbol = 'A') => ({ seq, symbol, text: `{"type":"text ${seq}"}` })

describe('StreamDestination', () => {
  it('delivers the text as it is, and keeps it for those who come back', () => {
    const { destination, recovery, socket } = destinationOf()
    destination.accept('e1', message(1))

    expect(socket.sent).toEqual(['{"type":"text 1"}'])
    expect(recovery.log.range(TRADES, 'e1', 1, 1)).toMatchObject([message(1)])
    expect([destination.epochs(), destination.knownOf('e1'), destination.knownOf('e2')]).toEqual([['e1'], { seq: 1, forgotten: 0, isForeign: true }, undefined])
  })

  it('does not number a message of another node again', () => {
    const { destination, recovery } = destinationOf()
    destination.accept('e1', message(1))

    expect(recovery.log.own(TRADES)).toBeUndefined()
  })

  it('tells subscribers that a message is missing which the manager refuses', () => {
    const { destination, socket, missed, errors } = destinationOf({ ...TRADES, symbol: 'A' })
    destination.accept('e1', { seq: 1, symbol: '', text: 'text' } as never)

    expect(errors).toMatchObject([{ code: 'ERR_INVALID_ID' }])
    expect([missed, socket.received]).toEqual([[1], [expect.objectContaining({ type: 'gap', dropped: 1 })]])
  })

  it('reports it if the manager cannot tell subscribers', async () => {
    const { destination, manager, missed, errors } = destinationOf()
    await manager.cleanup()
    destination.giveUp('e1')

    expect([missed, errors]).toMatchObject([[undefined], [{ code: 'ERR_CLOSED' }]])
  })

  it('tells subscribers how many messages are missing, and nobody if nothing is', () => {
    const { destination, missed } = destinationOf()
    destination.skipTo('e1', 3, false)
    destination.skipTo('e1', 5, true)
    destination.skipTo('e1', 5, true)
    destination.skipTo('e2', 4, true)

    expect([missed, destination.knownOf('e1')?.seq]).toEqual([[2, 4], 5])
  })

  it('forgets an epoch whose origin does not answer', () => {
    const { destination, missed } = destinationOf()
    destination.accept('e1', message(1))
    destination.giveUp('e1')

    expect([missed, destination.epochs()]).toEqual([[undefined], []])
  })

  it('completes the history without a delivery', () => {
    const { destination, socket } = destinationOf()
    destination.skipTo('e1', 2, false)
    destination.complete('e1', [message(1), message(2)])

    expect([destination.knownOf('e1')?.forgotten, socket.sent]).toEqual([0, []])
  })

  it('knows whether its type is `latest`, and whether a message replaces all older ones of the channel', () => {
    const destinations = ['TRADES', 'PRICE', 'QUOTES', 'UNKNOWN'].map((streamType) => destinationOf({ ...TRADES, streamType }).destination)

    expect(destinations.map(({ isLatest }) => isLatest)).toEqual([false, true, true, false])
    expect(destinations.map(({ isReplacing }) => isReplacing)).toEqual([false, true, false, false])
  })
})
