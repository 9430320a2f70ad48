import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Sender } from 'ws'
import { FrameReader } from './frame-reader.js'

/** As ws writes it. */
function frame(text) {
  return Buffer.concat(Sender.frame(Buffer.from(text), { opcode: 1, fin: true, mask: false, rsv1: false, readOnly: true }))
}

function read(chunks) {
  const reader = new FrameReader()
  const texts = []
  for (const chunk of chunks) reader.read(chunk, (bytes, from, to) => texts.push(bytes.toString('utf8', from, to)))
  return texts
}

describe('FrameReader', () => {
  const texts = ['', 'short', 'x'.repeat(126), 'y'.repeat(70_000), 'ž']
  const bytes = Buffer.concat(texts.map(frame))

  it('reads frames of all lengths', () => {
    assert.deepEqual(read([bytes]), texts)
  })

  it('reads them whatever chunks they come in', () => {
    const few = Buffer.concat(['a', 'b'.repeat(200), ''].map(frame))
    for (let size = 1; size <= few.length; size++) {
      const chunks = Array.from({ length: Math.ceil(few.length / size) }, (_, i) => few.subarray(i * size, (i + 1) * size))
      assert.deepEqual(read(chunks), ['a', 'b'.repeat(200), ''])
    }
  })

  it('keeps the beginning of a frame when its chunk is overwritten', () => {
    const reader = new FrameReader()
    const texts = []
    const chunk = Buffer.from(frame('whole').subarray(0, 4))
    reader.read(chunk, () => assert.fail())
    chunk.fill(0)

    reader.read(frame('whole').subarray(4), (bytes, from, to) => texts.push(bytes.toString('utf8', from, to)))

    assert.deepEqual(texts, ['whole'])
  })
})
