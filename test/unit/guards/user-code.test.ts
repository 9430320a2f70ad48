import { describe, expect, it } from 'vitest'
import { adopted, disown, isThenable, readUserCode } from '../../../src/guards/user-code.ts'

const reason = new Error('thrown')
const throwReason = (): never => {
  throw reason
}
const unreadable = { get then(): never { return throwReason() } }

describe('readUserCode', () => {
  it('returns the value that was read', () => {
    expect(readUserCode(() => 7, () => new Error('refused'))).toBe(7)
  })

  it('throws the refusal made from the error that the read throws', () => {
    expect(() => readUserCode(throwReason, (cause) => new Error('refused', { cause }))).toThrow(
      expect.objectContaining({ message: 'refused', cause: reason }),
    )
  })
})

describe('isThenable', () => {
  it.each([
    ['a promise', Promise.resolve()],
    ['an object with a then', { then() {} }],
    ['a function with a then', Object.assign(() => {}, { then() {} })],
  ])('is true for %s', (_, answer) => {
    expect(isThenable(answer)).toBe(true)
  })

  it.each([undefined, null, 0, 'then', {}, () => {}, { then: 'later' }])('is false for %o', (answer) => {
    expect(isThenable(answer)).toBe(false)
  })

  it('throws the error that reading the then throws', () => {
    expect(() => isThenable(unreadable)).toThrow(reason)
  })
})

describe('adopted', () => {
  it('settles as the thenable does', async () => {
    await expect(adopted(Promise.resolve(7))).resolves.toBe(7)
    await expect(adopted({ then: (_: unknown, reject: (error: Error) => void) => reject(reason) } as never)).rejects.toBe(reason)
  })

  it('rejects if the then throws, also on a native promise', async () => {
    await expect(adopted({ then: throwReason })).rejects.toBe(reason)
    await expect(adopted(Object.assign(Promise.resolve(), { then: throwReason }))).rejects.toBe(reason)
  })
})

describe('disown', () => {
  it.each([
    ['a promise', () => Promise.reject(reason)],
    ['a promise with a replaced then', () => Object.assign(Promise.resolve(), { then: throwReason })],
    ['a thenable that throws', () => ({ then: throwReason })],
  ])('swallows the rejection of %s', async (_, answer) => {
    const unhandled: unknown[] = []
    const note = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', note)

    disown(answer())
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)

    expect(unhandled).toEqual([])
  })

  it('throws the error that reading the then throws, for its caller to guard', () => {
    expect(() => disown(unreadable)).toThrow(reason)
  })

  it.each([undefined, null, 7, 'text', {}, () => {}])('ignores %o', (answer) => {
    expect(() => disown(answer)).not.toThrow()
  })
})
