import { describe, expect, it } from 'vitest'
import { CurrentMessage } from '../../../src/delivery/current-message.ts'
import { tradingStreams } from '../../../src/model/catalogue.ts'
import { readMessage } from '../../../src/model/message-fields.ts'
import { price } from '../../support/messages.ts'

const fields = readMessage(price(), tradingStreams, () => 7)

describe('CurrentMessage', () => {
  it('makes one message for all outboxes, and another for the next one', () => {
    const current = new CurrentMessage()

    current.begin('first', fields)
    const first = current.message
    expect([current.message, first.text, first.timestampMs]).toEqual([first, 'first', 7])
    current.end()
    current.begin('second', fields)

    expect(current.message.text).toBe('second')
  })

  it('lets go of the data at the end', () => {
    const current = new CurrentMessage()
    const data: unknown[] = []
    const transport = { frame: (_text: string, message: { data: unknown } | undefined) => void data.push(message?.data) }
    const reporter = { hookFailed() {} }

    current.begin('text', fields)
    const { message } = current
    message.framedFor({ ...transport }, reporter)
    current.end()
    message.framedFor({ ...transport }, reporter)

    expect(data).toEqual([fields.data, undefined])
  })

  it('counts from nothing for each', () => {
    const current = new CurrentMessage()

    current.begin('first', fields)
    for (const outcome of ['batched', 'queued', 'conflated', 'dropped', 'failed', 'skipped'] as const) current[outcome]++
    current.end()
    current.begin('second', fields)

    const { batched, queued, conflated, dropped, failed, skipped } = current
    expect([batched, queued, conflated, dropped, failed, skipped]).toEqual([0, 0, 0, 0, 0, 0])
  })
})
