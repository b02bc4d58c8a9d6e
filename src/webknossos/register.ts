/** A row for this datastore in webKnossos: made by its own route where it lets us, else by SQL (protocol.md 1.5). */
import type { CoreClient } from './client.ts'
import type { CoreVersion } from './version.ts'

export interface Registration {
  readonly name: string
  readonly key: string
  /** At which core reaches us. */
  readonly url: string
  /** At which browsers reach us. */
  readonly publicUrl: string
}

/** Connectors were a kind of their own up to this version of the database (evolution 102). */
const LAST_SCHEMA_WITH_CONNECTORS = 101

export const hasConnectors = ({ api, schema }: CoreVersion): boolean =>
  schema === undefined ? api === 0 : schema <= LAST_SCHEMA_WITH_CONNECTORS

/** Undefined when it is done, else why core did not do it. Throws `CoreUnreachable`. */
export async function registerByRoute(
  { name, key, url, publicUrl }: Registration,
  client: CoreClient,
  token: string,
  version: CoreVersion,
): Promise<string | undefined> {
  const row = { name, key, url, publicUrl, isScratch: false, isDeleted: false, allowsUpload: false, allowsUploadToPaths: false }
  const body = JSON.stringify(hasConnectors(version) ? { ...row, isForeign: false, isConnector: true } : row)
  const answer = await client.ask('POST', '/api/datastores', { body, headers: { 'X-Auth-Token': token } })
  return answer.ok ? undefined : client.saying(answer).replaceAll(token, '…')
}

/** May be run again and again: it makes the row or sets it right. */
export function registrationSql({ name, key, url, publicUrl }: Registration, version: CoreVersion): string {
  const columns: [string, string][] = [
    ['name', quote(name)],
    ['url', quote(url)],
    ['publicUrl', quote(publicUrl)],
    ['key', quote(key)],
    ['isScratch', 'false'],
    ['isDeleted', 'false'],
    ...(hasConnectors(version)
      ? ([
          ['isForeign', 'false'],
          ['isConnector', 'true'],
        ] as [string, string][])
      : []),
    ['allowsUpload', 'false'],
  ]
  const changed = columns.filter(([column]) => column !== 'name').map(([column]) => `${column} = EXCLUDED.${column}`)
  return `INSERT INTO webknossos.datastores (${columns.map(([column]) => column).join(', ')})
VALUES (${columns.map(([, value]) => value).join(', ')})
ON CONFLICT (name) DO UPDATE SET ${changed.join(', ')};
${hasConnectors(version) ? '' : noUploadsToPaths(name)}`
}

/** A column of newer databases, on unless it is set. */
const noUploadsToPaths = (name: string): string => `DO $$ BEGIN
  IF EXISTS (SELECT FROM information_schema.columns
             WHERE table_schema = 'webknossos' AND table_name = 'datastores' AND column_name = 'allowsuploadtopaths') THEN
    EXECUTE 'UPDATE webknossos.datastores SET allowsUploadToPaths = false WHERE name = ${quote(name).replaceAll("'", "''")}';
  END IF;
END $$;
`

/** A backslash is a letter and no line ends in standard strings; only quotes matter. */
const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`
