import { describe, expect, it } from 'vitest'
import { decodeFrame, encodeFrame, startOfMessages } from '../../../src/cluster/envelope.ts'
import type { Frame } from '../../../src/cluster/frame.ts'

const CHANNEL = { streamType: 'TRADES', symbol: 'A', userId: undefined }
const OF_USER = { streamType: 'ORDERS', symbol: undefined, userId: 'ann' }

const FRAMES: readonly Frame[] = [
  { kind: 'message', node: 'n1', channel: CHANNEL, epoch: 'e1', ageMs: 1.5, message: { seq: 1, symbol: 'A', text: 'a "text"\nof two lines' } },
  { kind: 'message', node: 'n1', channel: OF_USER, epoch: 'e1', ageMs: 0, message: { seq: 2, symbol: undefined, text: '' } },
  { kind: 'answer', node: 'n1', channel: CHANNEL, epoch: 'e1', first: 1, last: 3, isLast: true, messages: [{ seq: 1, symbol: 'A', text: 'one' }, { seq: 2, symbol: undefined, text: '\ntwo\n' }] },
  { kind: 'answer', node: 'n1', channel: CHANNEL, epoch: 'e1', first: 1, last: 3, isLast: false, messages: [] },
  { kind: 'ask', node: 'n1', channel: CHANNEL, epoch: 'e1', first: 1, last: 3 },
  { kind: 'tail', node: 'n1', channel: OF_USER, epoch: 'e1', seq: 7, ageMs: 10, lastAgeMs: 5 },
  { kind: 'progress', node: 'n1', progress: [{ channel: CHANNEL, epoch: 'e1', seq: 7, ageMs: 10, lastAgeMs: 5 }] },
  { kind: 'probe', node: 'n1', number: 3, units: 100 },
  { kind: 'survey', node: 'n1' },
  { kind: 'back', node: 'n1', awayMs: 1_500.5 },
  { kind: 'departed', node: 'n1', userId: 'ann"\n' },
  { kind: 'sync', node: 'n1', channels: [CHANNEL, OF_USER] },
  { kind: 'left', node: 'n1', channels: [] },
  { kind: 'wanted', node: 'n1', channels: [CHANNEL] },
]

/** Returns a message as a line, with some of its fields changed, and a text. */
function message(changes: Readonly<Record<number, unknown>>): string {
  const line = [1, 'message', 'n1', ['TRADES', 'A', null], 'e1', 0, 1, 'A']
  return `${JSON.stringify(line.map((field, at) => (at in changes ? changes[at] : field)))}\ntext`
}

describe('decodeFrame', () => {
  it.each(FRAMES.map((frame) => [frame.kind, frame] as const))('reads what encodeFrame has written: %s', (_, frame) => {
    expect(decodeFrame(encodeFrame(frame))).toEqual(frame)
  })

  it('tells the messages of a node from all other frames by their beginning', () => {
    const others = [...FRAMES, { ...FRAMES[0], node: 'n12' } as Frame].filter(({ kind, node }) => kind !== 'message' || node !== 'n1')
    const beginsLikeOwn = (frame: Frame): boolean => encodeFrame(frame).startsWith(startOfMessages('n1'))

    expect([FRAMES.slice(0, 2).map(beginsLikeOwn), others.filter(beginsLikeOwn)]).toEqual([[true, true], []])
  })

  it('leaves the text of a message as it is, whatever is in it', () => {
    const text = '[1,"probe","n1",1,1]\n\u0000\ud800 \\n'

    expect(decodeFrame(encodeFrame({ ...FRAMES[0], message: { seq: 1, symbol: 'A', text } } as Frame))).toMatchObject({ message: { text } })
  })

  it.each<[what: string, text: unknown]>([
    ['nothing', undefined],
    ['bytes', new Uint8Array(3)],
    ['an empty text', ''],
    ['another text', 'hello'],
    ['an object', '{"kind":"probe"}'],
    ['broken JSON', '[1,"probe"'],
    ['an array without a version', '["probe"]'],
    ['an empty array', '[]'],
    ['deep JSON', '['.repeat(200_000)],
    ['a line that is too long', `[1,"survey","n1"${' '.repeat(1_048_576)}]`],
    ['an unknown kind', '[1,"hello","n1"]'],
    ['a kind that every object has', '[1,"constructor","n1"]'],
    ['the prototype as a kind', '[1,"__proto__","n1"]'],
    ['a kind that is no text', '[1,["probe"],"n1",1,1]'],
    ['no sender', '[1,"survey"]'],
    ['a sender with strange characters', '[1,"survey","a b"]'],
    ['a sender that is too long', `[1,"survey","${'n'.repeat(65)}"]`],
    ['no channel', message({ 3: null })],
    ['a channel without a type', message({ 3: [null, 'A', null] })],
    ['a symbol that is a number', message({ 3: ['TRADES', 1, null] })],
    ['an epoch that separates parts of a position', message({ 4: 'e1:1,e2' })],
    ['a negative age', message({ 5: -1 })],
    ['an age that is a text', message({ 5: '0' })],
    ['the number 0', message({ 6: 0 })],
    ['a fraction as a number', message({ 6: 1.5 })],
    ['a number that is too large', message({ 6: 2 ** 53 })],
    ['a symbol of the message that is an object', message({ 7: {} })],
    ['channels that are no list', '[1,"sync","n1",{"length":1}]'],
    ['a probe without a number', '[1,"probe","n1"]'],
    ['progress that is no list', '[1,"progress","n1",[1]]'],
    ['an answer with a negative length', '[1,"answer","n1",["TRADES","A",null],"e1",1,1,true,[[1,"A",-1]]]\ntext'],
    ['an answer with the number 0', '[1,"answer","n1",["TRADES","A",null],"e1",1,1,true,[[0,"A",4]]]\ntext'],
  ])('takes %s for foreign', (_, text) => {
    expect(decodeFrame(text)).toBe('foreign')
  })

  it('knows an envelope of another version, whatever is in it', () => {
    expect(decodeFrame('[2,{"anything":1}]')).toBe('version')
  })

  it('gives no more text than there is, if an answer promises more', () => {
    expect(decodeFrame('[1,"answer","n1",["TRADES","A",null],"e1",1,2,true,[[1,"A",2],[2,"A",9007199254740991]]]\nabc')).toMatchObject({
      messages: [{ text: 'ab' }, { text: 'c' }],
    })
  })
})
