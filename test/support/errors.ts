import { expect } from 'vitest'
import type { ErrorCode } from '../../src/index.ts'

/** Expects a call to throw a `ConnectionManagerError` of this code, and returns it. */
export function expectCode(code: ErrorCode, call: () => unknown): Error & Record<string, unknown> {
  try {
    call()
  } catch (error) {
    expect(error).toMatchObject({ name: 'ConnectionManagerError', code })
    return error as Error & Record<string, unknown>
  }
  throw new Error(`Nothing was thrown, expected ${code}`)
}
