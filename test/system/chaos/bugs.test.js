import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { BUGS } from './bugs.ts'

describe('the bugs that can be built into the client', () => {
  for (const [name, { file, from }] of Object.entries(BUGS)) {
    it(`have their place in today's source: ${name}`, () => {
      const text = readFileSync(new URL(`../../../src/client/${file}`, import.meta.url), 'utf8')

      assert.equal(text.split(from).length, 2)
    })
  }
})
