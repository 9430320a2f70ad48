import { describe, expect, it } from 'vitest'
import { FanOut, type SendOutcomes } from '../../../src/delivery/fan-out.ts'
import { allOf } from '../../../src/delivery/recipients.ts'
import { tradingStreams } from '../../../src/model/catalogue.ts'
import { readMessage } from '../../../src/model/message-fields.ts'
import { fanOutList, type Listed } from '../../support/fan-out-list.ts'
import { price } from '../../support/messages.ts'

const fields = readMessage(price(), tradingStreams, { now: () => 0 })

const outcomesWith = (own: Partial<SendOutcomes<Listed>>): SendOutcomes<Listed> => ({
  answeredLate() {},
  hasRoom: () => true,
  queue: () => 'queued',
  isOwnRefusal: () => false,
  ...own,
})

describe('FanOut', () => {
  it('asks whether a socket has room only if it has more than the limit buffered', () => {
    const { list, connections } = fanOutList(3)
    for (const [i, { socket }] of connections.entries()) socket.bufferedAmount = 9 + i
    const asked: [name: number, buffered: number][] = []
    const hasRoom = ({ name }: Listed, buffered: number): boolean => {
      asked.push([name, buffered])
      return false
    }

    const fanOut = new FanOut(fields, allOf(list), outcomesWith({ hasRoom }), 10)
    fanOut.serve('text', 5)

    expect(asked).toEqual([[2, 11]])
    expect(fanOut.end()).toMatchObject({ matched: 3, sent: 2, queued: 1 })
  })

  it('has nobody for a skip if nobody was left out', () => {
    const { list, connections } = fanOutList(2)
    const fanOut = new FanOut(fields, allOf(list), outcomesWith({}), undefined)
    const skip = fanOut.skip('skip')
    fanOut.serveSkip(skip, 'skip')
    fanOut.end()

    expect(skip.end()).toMatchObject({ matched: 0, sent: 0 })
    expect(connections.flatMap(({ socket }) => socket.sent)).toEqual([])
  })

  it('counts a socket that throws as failed, unless it passes on the refusal of a publish of its own', () => {
    const { list, connections } = fanOutList(3)
    const [failure, refusal] = [new Error('gone'), new Error('refused')]
    for (const [i, error] of [failure, refusal].entries()) connections[i]!.socket.script.send = () => { throw error }

    const fanOut = new FanOut(fields, allOf(list), outcomesWith({ isOwnRefusal: (error) => error === refusal }), undefined)
    fanOut.serve('text', 5)

    expect(fanOut.failures).toEqual([{ connection: connections[0], error: failure }])
    expect(fanOut.end()).toMatchObject({ matched: 3, sent: 2, failed: 1, skipped: 0 })
  })
})
