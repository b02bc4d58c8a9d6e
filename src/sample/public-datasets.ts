/** The public datasets webknossos-connect came with (formats.md 2.11). They appear as soon as their backend exists. */
const precomputed = (layers: Record<string, readonly [source: string, type: 'image' | 'segmentation']>) => ({
  layers: Object.fromEntries(Object.entries(layers).map(([name, [source, type]]) => [name, { source, type }])),
})

export const PUBLIC_DATASETS = {
  boss: {},
  neuroglancer: {
    sample_organization: {
      fafb_v14: precomputed({ image: ['gs://neuroglancer-fafb-data/fafb_v14/fafb_v14_clahe', 'image'] }),
      janelia_flyem_hemibrain: precomputed({
        emdata: ['gs://neuroglancer-janelia-flyem-hemibrain/emdata/clahe_yz/jpeg', 'image'],
        segmentation_v1_2: ['gs://neuroglancer-janelia-flyem-hemibrain/v1.2/segmentation', 'segmentation'],
      }),
      kasthuri2011: precomputed({
        corrected_image: ['gs://neuroglancer-public-data/kasthuri2011/image_color_corrected', 'image'],
        ground_truth: ['gs://neuroglancer-public-data/kasthuri2011/ground_truth', 'segmentation'],
      }),
      harris2015: precomputed({
        em: ['s3://open-neurodata/kharris15/apical/em', 'image'],
        anno: ['s3://open-neurodata/kharris15/apical/anno', 'segmentation'],
      }),
    },
  },
}
