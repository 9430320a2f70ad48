import { describe, expect, it } from 'vitest'
import { HistoryMessage, MessageList } from '../../../src/recovery/history-message.ts'

const history = { streamType: 'TRADES', isLatest: false, forgetOldest: () => undefined }

function messageOf(seq: number, texts: { readonly text?: string; readonly unstamped?: string } = {}): HistoryMessage {
  return new HistoryMessage(history, { epoch: 'e', seq, symbol: 'A', text: '', unstamped: undefined, message: undefined, ...texts }, 0, seq)
}

/** The messages of a list, as both directions of its links give them. */
function inBothDirections(list: MessageList): { readonly forwards: number[]; readonly backwards: number[] } {
  const forwards: HistoryMessage[] = []
  for (let each = list.first; each !== undefined; each = each.later) forwards.push(each)
  const backwards: HistoryMessage[] = []
  for (let each = forwards.at(-1); each !== undefined; each = each.earlier) backwards.unshift(each)
  return { forwards: forwards.map(({ seq }) => seq), backwards: backwards.map(({ seq }) => seq) }
}

const both = (...seqs: number[]) => ({ forwards: seqs, backwards: seqs })

function listOf(...seqs: readonly number[]) {
  const messages = seqs.map((seq) => messageOf(seq))
  const list = new MessageList()
  for (const message of messages) list.add(message)
  return { list, messages }
}

describe('HistoryMessage', () => {
  it('counts the units of both texts that it keeps', () => {
    expect([messageOf(1, { text: '12345' }).units, messageOf(1, { text: '12345', unstamped: '123' }).units]).toEqual([5, 8])
  })
})

describe('MessageList', () => {
  it('has its messages in the order in which they were added', () => {
    expect(inBothDirections(listOf(1, 2, 3).list)).toEqual(both(1, 2, 3))
  })

  it.each([[0, [9, 1, 2, 3]], [1, [1, 9, 2, 3]], [2, [1, 2, 9, 3]]] as const)('takes a message in front of the message at index %i', (index, expected) => {
    const { list, messages } = listOf(1, 2, 3)

    list.addBefore(messageOf(9), messages[index] as HistoryMessage)

    expect(inBothDirections(list)).toEqual(both(...expected))
  })

  it.each([[0, [2, 3]], [1, [1, 3]], [2, [1, 2]]] as const)('goes on without the message at index %i after its removal', (index, left) => {
    const { list, messages } = listOf(1, 2, 3)

    list.remove(messages[index] as HistoryMessage)
    expect(inBothDirections(list)).toEqual(both(...left))
    list.add(messageOf(4))

    expect(inBothDirections(list)).toEqual(both(...left, 4))
  })

  it('begins again after its last message was removed', () => {
    const { list, messages: [only] } = listOf(1)

    list.remove(only as HistoryMessage)
    const { first } = list
    list.add(messageOf(2))

    expect([first, inBothDirections(list)]).toEqual([undefined, both(2)])
  })

  it('leaves no link in a message that it removed, so that no removed message keeps others in memory', () => {
    const { list, messages } = listOf(1, 2, 3)

    list.remove(messages[1] as HistoryMessage)

    expect(messages[1]).toMatchObject({ earlier: undefined, later: undefined })
  })
})
