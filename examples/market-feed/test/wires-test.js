import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EventParser } from '../wires.js'

/** @param {string[]} chunks */
function texts(...chunks) {
  /** @type {string[]} */
  const texts = []
  const parser = new EventParser((text) => texts.push(text))
  for (const chunk of chunks) parser.read(chunk)
  return texts
}

describe('EventParser', () => {
  test('takes the data of each event, wherever the stream is cut', () => {
    const stream = 'data: {"a":1}\n\ndata: {"a":2}\n\n'
    for (let cut = 0; cut <= stream.length; cut++) {
      assert.deepEqual(texts(stream.slice(0, cut), stream.slice(cut)), ['{"a":1}', '{"a":2}'])
    }
  })

  test('joins several lines of data, and passes over comments and other fields', () => {
    assert.deepEqual(texts(': hello\n\nid: 1\nevent: x\ndata: a\ndata: b\n\n:   \n\n'), ['a\nb'])
  })

  test('keeps an event to itself until it is whole', () => {
    assert.deepEqual(texts('data: a\n'), [])
  })
})
