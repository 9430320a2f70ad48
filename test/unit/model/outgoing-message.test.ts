import { describe, expect, it } from 'vitest'
import { tradingStreams } from '../../../src/model/catalogue.ts'
import { readMessage } from '../../../src/model/message-fields.ts'
import { OutgoingMessage } from '../../../src/model/outgoing-message.ts'
import { price } from '../../support/messages.ts'

const fields = readMessage(price(), tradingStreams, { now: () => 7 })

describe('OutgoingMessage', () => {
  it('is framed once for each transport', () => {
    const message = new OutgoingMessage('text', fields)
    const asked: string[] = []
    const [one, other] = ['one', 'other'].map((name) => ({ frame: (text: string) => void asked.push(`${name} ${text}`) }))

    for (const transport of [one, other, one, other]) message.framedFor(transport as object, { hookFailed() {} })

    expect(asked).toEqual(['one text', 'other text'])
  })

  it('exposes its data to a transport until it is released', () => {
    const message = new OutgoingMessage('text', fields)
    const data: unknown[] = []
    const transport = (): object => ({ frame: (_text: string, shown: { data: unknown } | undefined) => void data.push(shown?.data) })

    message.framedFor(transport(), { hookFailed() {} })
    message.release()
    message.framedFor(transport(), { hookFailed() {} })

    expect(data).toEqual([fields.data, undefined])
  })
})
