/** The listeners of one event or one stream. Errors that a listener throws, and rejections of its promise, go to `failed`. */
export class Listeners<TPayload> extends Set<(payload: TPayload) => unknown> {
  readonly failed: (error: unknown) => void

  constructor(failed: (error: unknown) => void) {
    super()
    this.failed = failed
  }

  tell(payload: TPayload): void {
    for (const listener of [...this]) void this.tellOne(listener, payload)
  }

  async tellOne(listener: (payload: TPayload) => unknown, payload: TPayload): Promise<void> {
    try {
      // An earlier listener may have removed this one.
      if (this.has(listener)) await listener(payload)
    } catch (error) {
      this.failed(error)
    }
  }
}
