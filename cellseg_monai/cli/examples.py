"""Two examples for the help of each verb.

They are one session from top to bottom, in a folder with the images that its first lines draw. The tests run
them, but for those of :data:`LONG`, which the tests only parse.
"""

LONG = {
    "train", "calibrate", "models", "bundle card", "bundle bioimage", "bundle verify", "doctor", "demo",
    *(f"study {name}" for name in (
        "cross-validate", "learning-curve", "compare", "ablate-gates", "ablate-skips", "finetune",
        "robustness", "morphology", "pseudo-label",
    )),
}  # fmt: skip
"""Verbs whose examples take minutes, or files that the session does not have."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "data synthesize": (
        "cellseg data synthesize nuclei my_cells --count 6 --size 96 128",
        "cellseg data synthesize tissue tissue --count 2 --size 96 128 --seed 7",
    ),
    "data import": (
        "cellseg data import annotations my_cells annotated      # outlines of Fiji, QuPath, napari, Labelme",
        "cellseg data import stardist published plain            # a public dataset, as published",
    ),
    "data layouts": ("cellseg data layouts", "cellseg data layouts --json"),
    "data check": ("cellseg data check my_cells", "cellseg data check my_cells --json > found.json"),
    "data tile": (
        "cellseg data tile my_cells tiles --grid 2 2",
        "cellseg data tile tissue tissue_tiles --grid 1 2",
    ),
    "data split": (
        "cellseg data split my_cells --out lists --parts 70 30",
        "cellseg data split tiles --out parts --parts 70 20 10 --seed 1 --divide-groups",
    ),
    "data patches": (
        "cellseg data patches my_cells --out patches.png",
        "cellseg data patches my_cells --out large.png --patch-size 64 --scale 2 --count 6",
    ),
    "train": (
        "cellseg train annotated/ --out my_bundle",
        "cellseg train annotated/ --out my_bundle --from skip_unet --minutes 60 --test held_out/",
    ),
    "predict": (
        "cellseg predict patch_attention_unet my_cells --out cells --overlay --save-probability",
        "cellseg predict skip_unet tissue/images --out nuclei --set threshold=0.4 --json",
    ),
    "convert": (
        "cellseg convert cells --to geojson --out for_qupath",
        "cellseg convert cells --to rois --out for_fiji",
    ),
    "calibrate": (
        "cellseg calibrate my_bundle --data validation/ --out calibrated",
        "cellseg calibrate my_bundle --data validation/ --out calibrated --keep",
    ),
    "models": (
        "cellseg models",
        "cellseg models --for my_cells                           # which one fits these images?",
    ),
    "evaluate": (
        "cellseg evaluate --pred cells/labels --truth my_cells --out scores",
        "cellseg evaluate --pred nuclei/labels --truth tissue --out tissue_scores --metrics dice f1@0.75",
    ),
    "report": (
        "cellseg report scores --out report.html",
        "cellseg report scores tissue_scores --out both.html     # two runs side by side",
    ),
    "review": (
        "cellseg review --pred cells --truth my_cells --out doubts",
        "cellseg review --pred cells --truth my_cells --out sure --min-confidence 0.5 --shown 12",
    ),
    "measure": (
        "cellseg measure cells/labels --images my_cells/images --out tables",
        "cellseg measure cells/labels --out shapes --pixel-size 0.5 --pairs",
    ),
    "track": (
        "cellseg track movie/01_GT/SEG --images movie/01 --frame-interval 5 --out tracked",
        "cellseg track movie/01_GT/SEG --out undivided --no-divisions --movie undivided/tracks.gif",
    ),
    "verify-run": ("cellseg verify-run cells", "cellseg verify-run nuclei --json"),
    "bundle render": ("cellseg bundle render bundles", "cellseg bundle render bundles/skip_unet"),
    "bundle check": ("cellseg bundle check skip_unet", "cellseg bundle check bundles/skip_unet --json"),
    "bundle audit": ("cellseg bundle audit skip_unet", "cellseg bundle audit patch_attention_unet --json"),
    "bundle pack": (
        "cellseg bundle pack skip_unet",
        "cellseg bundle pack skip_unet --out vendored --vendor",
    ),
    "bundle verify": (
        "cellseg bundle verify dist/skip_unet.zip",
        "cellseg bundle verify dist/skip_unet.zip --key lab_key.pub",
    ),
    "bundle bioimage": (
        "cellseg bundle bioimage patch_attention_unet --out nuclei.zip",
        "cellseg bundle bioimage my_bundle --out cells.zip --image image.tif --licence CC-BY-4.0 --onnx",
    ),
    "bundle card": (
        'cellseg bundle card bundles/my_cells --results "our nuclei=scores"',
        "cellseg bundle card bundles/my_cells --results scores --robustness robustness --pictures",
    ),
    "study cross-validate": (
        "cellseg study cross-validate skip_unet --data DATA --out cv",
        "cellseg study cross-validate skip_unet --data DATA --folds 3 --set max_epochs=50 --out cv3",
    ),
    "study learning-curve": (
        "cellseg study learning-curve skip_unet --data DATA --test TEST --counts 2,5,10 --out curve",
        "cellseg study learning-curve skip_unet --data DATA --test TEST --counts 5,20 --seeds 0,1 --out more",
    ),
    "study compare": (
        "cellseg study compare attention_unetpp --data DATA --test TEST --out networks",
        "cellseg study compare attention_unetpp --data DATA --test TEST --networks unet --out one",
    ),
    "study ablate-gates": (
        "cellseg study ablate-gates attention_unetpp --data DATA --test TEST --out gates",
        "cellseg study ablate-gates attention_unetpp --data DATA --test TEST --as-published --out published",
    ),
    "study ablate-skips": (
        "cellseg study ablate-skips skip_unet skip_swin_unet --data DATA --test TEST --out skips",
        "cellseg study ablate-skips skip_unet --data DATA --test TEST --classes 0=0 255=1 --out classes",
    ),
    "study finetune": (
        "cellseg study finetune patch_attention_unet --base-data OLD --target-data NEW --out transfer",
        "cellseg study finetune stemcell_unet --base-data OLD --target-data NEW --counts 1,5 --out few",
    ),
    "study robustness": (
        "cellseg study robustness patch_attention_unet --data TEST --out robustness",
        "cellseg study robustness patch_attention_unet --data TEST --changes blur=1,2 turn --out blur",
    ),
    "study morphology": (
        "cellseg study morphology attention_unetpp --data TEST --out morphology",
        "cellseg study morphology attention_unetpp --data TEST --weights model.pt --out morphology",
    ),
    "study pseudo-label": (
        "cellseg study pseudo-label attention_unetpp --labelled DATA --unlabelled NEW --test TEST --out p",
        "cellseg study pseudo-label skip_unet --labelled DATA --unlabelled NEW --test TEST --jobs 2 --out p",
    ),
    "demo": ("cellseg demo", "cellseg demo --images annotated/ --minutes 20 --out mine"),
    "doctor": ("cellseg doctor", "cellseg doctor --json > doctor.json"),
}
