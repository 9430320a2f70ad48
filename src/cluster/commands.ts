/** The stream that a command is about. */
export interface CommandedStream {
  readonly streamType: string
  readonly symbol: string | null
  readonly userId: string | null
}

/** A command to all nodes, in the form in which the broker carries it. */
export type ClusterCommand =
  | { readonly command: 'revoke'; readonly revocation: { readonly userId: string | null; readonly streamType: string | null; readonly symbol: string | null } }
  | { readonly command: 'removeUser'; readonly userId: string }
  | { readonly command: 'setStreamStatus'; readonly stream: CommandedStream; readonly status: string }
  | { readonly command: 'notifyGap'; readonly stream: CommandedStream; readonly dropped: number | null }

/** The methods of a manager that commands call. */
export interface CommandedManager {
  revoke(revocation: never): unknown
  removeUser(userId: string): Promise<unknown>
  setStreamStatus(stream: never, status: never): unknown
  notifyGap(stream: never, dropped: never): unknown
}

/**
 * Carries out a command of another node. The manager checks the fields of the command.
 *
 * @throws if the text is not a valid command
 */
export function obey(manager: CommandedManager, text: string): void {
  const command = JSON.parse(text) as ClusterCommand
  switch (command.command) {
    case 'revoke':
      return void manager.revoke(command.revocation as never)
    case 'removeUser':
      return void manager.removeUser(command.userId).catch(() => {})
    case 'setStreamStatus':
      return void manager.setStreamStatus(sourceIn(command.stream), command.status as never)
    case 'notifyGap':
      return void manager.notifyGap(sourceIn(command.stream), (command.dropped ?? undefined) as never)
    default:
      throw new Error('Another node gave an unknown command')
  }
}

function sourceIn({ streamType, symbol, userId }: CommandedStream): never {
  return { streamType, symbol, ...(userId !== null && { userId }) } as never
}
