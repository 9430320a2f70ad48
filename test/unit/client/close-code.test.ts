import { describe, expect, it } from 'vitest'
import { adviceOf } from '../../../src/client/close-code.ts'

describe('adviceOf', () => {
  it.each([
    [undefined, 'retry'],
    [1000, 'stop'],
    [1001, 'retry'],
    [1006, 'retry'],
    [1008, 'renew'],
    [1011, 'retry'],
    [1013, 'retry'],
    [4399, 'retry'],
    [4400, 'stop'],
    [4401, 'renew'],
    [4408, 'retry'],
    [4429, 'retry'],
    [4499, 'stop'],
    [4500, 'retry'],
  ] as const)('of %s is %s', (code, advice) => {
    expect(adviceOf(code)).toBe(advice)
  })
})
