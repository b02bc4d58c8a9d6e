/** TIFF's numbers for compressions and kinds of pixels: which codec reads them, or what they are called when they are refused. */
export const COMPRESSIONS: Record<number, string> = {
  1: 'raw',
  5: 'lzw',
  7: 'jpeg',
  8: 'deflate',
  32773: 'packbits',
  32946: 'deflate',
  50000: 'zstd',
}

export const REFUSED_COMPRESSIONS: Record<number, string> = {
  2: 'CCITT run lengths',
  3: 'CCITT fax 3',
  4: 'CCITT fax 4',
  6: 'old-style JPEG',
  32809: 'ThunderScan',
  33003: 'JPEG 2000',
  33004: 'JPEG 2000',
  33005: 'JPEG 2000',
  34676: 'LogLuv',
  34677: 'LogLuv',
  34712: 'JPEG 2000',
  34887: 'LERC',
  34892: 'lossy DNG JPEG',
  34925: 'LZMA',
  50001: 'WebP',
  50002: 'JPEG XL',
  52546: 'JPEG XL',
}

export const PHOTOMETRICS: Record<number, string> = {
  4: 'a transparency mask',
  5: 'CMYK',
  6: 'YCbCr',
  8: 'CIELab',
  9: 'ICCLab',
  32803: 'a colour filter array',
}
