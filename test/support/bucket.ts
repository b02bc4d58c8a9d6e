/** Makes an ObjectServer list its objects as a bucket does (ListObjectsV2), three names a page. */
import type { Asked, ObjectServer } from './object-server.ts'

const PAGE = 3

export function listing(server: ObjectServer, bucket: string): (asked: Asked) => Response | undefined {
  return ({ key, query }) => {
    if (key !== `${bucket}/` || query.get('list-type') !== '2') return undefined
    const prefix = query.get('prefix') ?? ''
    const names = new Set<string>()
    for (const object of server.objects.keys()) {
      const rest = object.startsWith(`${bucket}/${prefix}`) ? object.slice(bucket.length + 1 + prefix.length) : undefined
      if (rest !== undefined) names.add(rest.includes('/') ? `${rest.split('/')[0]}/` : rest)
    }
    const from = Number(query.get('continuation-token') ?? 0)
    const page = [...names].sort().slice(from, from + PAGE)
    const entries = page.map((name) => {
      const escaped = encodeURIComponent(prefix + name).replaceAll('%2F', '/')
      return name.endsWith('/')
        ? `<CommonPrefixes><Prefix>${escaped}</Prefix></CommonPrefixes>`
        : `<Contents><Key>${escaped}</Key><Size>1</Size></Contents>`
    })
    const more =
      from + PAGE < names.size ? `<IsTruncated>true</IsTruncated><NextContinuationToken>${from + PAGE}</NextContinuationToken>` : ''
    return new Response(`<?xml version="1.0"?><ListBucketResult><Prefix>${prefix}</Prefix>${entries.join('')}${more}</ListBucketResult>`)
  }
}
