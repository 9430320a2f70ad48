/** Calls user code. What it throws, and what its promise rejects with, goes to `failed`. */
export async function guarded(call: () => unknown, failed: (error: unknown) => void): Promise<void> {
  try {
    await call()
  } catch (error) {
    failed(error)
  }
}
