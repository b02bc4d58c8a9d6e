/** What a person can do about a dataset that cannot be opened, where the reason itself does not say it. */
const FIXES: readonly (readonly [RegExp, string])[] = [
  [/--allow-path|--state|vips tiffsave|save it as OME-TIFF/, ''],
  [/not valid JSON/, 'Repair the file; an editor that knows JSON shows the place.'],
  [/double/, 'Convert the voxels to 32-bit floats or integers.'],
  [
    /compression is|pixels are|samples of|FillOrder|JPEG/,
    'Convert it: vips tiffsave in.tif out.tif --tile --pyramid --bigtiff --compression none',
  ],
  [/header\.wkw|no folder .* with WKW/, 'Copy the layer again, or correct mags and path in datasource-properties.json.'],
  [/permission denied/, 'Let the user the server runs as read it.'],
  [/cannot be read|no folder/, 'Check that the disk is mounted and the path is right; it is looked at again by itself.'],
]

export const fixFor = (reason: string): string | undefined => FIXES.find(([pattern]) => pattern.test(reason))?.[1] || undefined
