import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MOST_STAMP_UNITS, unstamped } from '../stamp.js'

describe('unstamped', () => {
  const plain = '{"data":{"seq":1},"user_id":null}'

  test('takes the stamp away, of a snapshot as well', () => {
    assert.equal(unstamped('{"data":{"seq":1},"user_id":null,"epoch":"k3-f_9","seq":17}'), plain)
    assert.equal(unstamped('{"data":{"seq":1},"user_id":null,"epoch":"k3-f_9","seq":17,"snapshot":true}'), plain)
  })

  test('leaves a text alone that has none, or has it elsewhere', () => {
    for (const text of [plain, '{"data":{"epoch":"k3f9","seq":17},"user_id":null}', '{"user_id":null,"epoch":"k3f9"}']) {
      assert.equal(unstamped(text), text)
    }
  })

  test('takes away no more than a stamp may be long', () => {
    const stamp = `,"epoch":"${'k'.repeat(11)}","seq":123456789,"snapshot":true`
    assert.ok(stamp.length <= MOST_STAMP_UNITS)
  })
})
