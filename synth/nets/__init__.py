"""Networks of the five papers in plain torch, each with its losses and its test-time procedure beside it.

========================  ==================================================================================
``alexnet`` ``vgg``       classifiers of poses and holistic regressors (Rogez & Schmid); ``holistic``: their
                          losses, and the poses of the best classes
``resnet``                trunk of both networks of ``deepskeleton``; ``reprojection``: choice among hypotheses
``sspnet``                24 predictions, cut at any; ``soft_argmax``: coordinates of heat and depth maps;
                          ``root_depth``: the root's distance
``lifters``               3D joints of 2D joints: baseline, DeepBase1, DeepBase2 and the GAN (Seth)
``joint2d3d``             grid classification in 2D with regression from six roots in 3D (Park et al.)
``inputs``                what a network takes, and how arrays of a store become it
``weights``               weights made elsewhere, by torchvision's names
========================  ==================================================================================

`width` makes narrow variants of all of them by the same code: a factor of the channels of hidden layers.
"""
