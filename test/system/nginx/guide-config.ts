import { codeBlocks, readText } from '../../support/markdown.ts'

/** What a test has otherwise than the guide. */
export interface ConfigChanges {
  /** Where nginx listens. */
  readonly port: number
  readonly serverPort: number
  readonly certificateFile: string
  readonly keyFile: string
  /** A folder for temporary files. */
  readonly folder: string
  /** How long a connection may be idle. The guide's own time if it is absent. */
  readonly readTimeoutSeconds?: number | undefined
  /** Directives that take the place of `proxy_buffering off`. */
  readonly buffering?: string | undefined
}

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/** Returns the nginx.conf of the guide, with only these changes. */
export function configOf({ port, serverPort, certificateFile, keyFile, folder, readTimeoutSeconds, buffering }: ConfigChanges): string {
  const paths = TEMPORARY.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')
  return [
    ['http {', `daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log info;\nhttp {\n  access_log off; ${paths}`],
    ['listen 443 ssl http2;', `listen 127.0.0.1:${port} ssl http2;`],
    ['server 127.0.0.1:8080;', `server 127.0.0.1:${serverPort};`],
    ['ssl_certificate /etc/nginx/desk.pem;', `ssl_certificate ${certificateFile};`],
    ['ssl_certificate_key /etc/nginx/desk.key;', `ssl_certificate_key ${keyFile};`],
    ['proxy_read_timeout 75s;', `proxy_read_timeout ${readTimeoutSeconds ?? 75}s;`],
    ['proxy_buffering off;', buffering ?? 'proxy_buffering off;'],
  ].reduce((config, [from = '', to = '']) => replaced(config, from, to), guideConfig())
}

function guideConfig(): string {
  const blocks = codeBlocks(readText(new URL('../../../docs/production.md', import.meta.url))).filter(({ language }) => language === 'nginx')
  if (blocks.length !== 1) throw new Error(`The guide must have one nginx.conf, and has ${blocks.length}`)
  return (blocks[0] as (typeof blocks)[number]).code
}

function replaced(config: string, from: string, to: string): string {
  const parts = config.split(from)
  if (parts.length !== 2) throw new Error(`The nginx.conf of the guide must have \`${from}\` once, and has it ${parts.length - 1} times`)
  return parts.join(to)
}
