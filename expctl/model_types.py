"""Names within fitted models that their packages promise nothing about: types in a model's file, arrays behind them.

As `compat.py`, which has whatever is called. tests/test_compat.py holds both to what is installed. Imports nothing.
"""

from __future__ import annotations

from typing import Final

# The one type of a forest's file that skops does not know: an extension type, public under no other name.
TREE: Final = "sklearn.tree._tree.Tree"

# What a calibrated classifier holds: plain objects of numbers and of estimators, which skops makes without calling any
# of their own code.
CALIBRATION: Final = ("sklearn.calibration._CalibratedClassifier", "sklearn.calibration._SigmoidCalibration")
# The sparse rows that neighbours and support vectors keep, by the names that skops writes; loading them makes numbers.
SPARSE: Final = ("scipy.sparse._csr.csr_matrix", "scipy.sparse._csr.csr_array")
# What both hand to compiled code: their public attributes are copies, or made of it.
NEIGHBOURS: Final = ("_fit_X", "_y", "_tree")
SUPPORT: Final = ("_n_support", "_dual_coef_", "_intercept_", "_probA", "_probB", "_sparse", "_effective_probability")
SOLVER: Final = ("_impl",)  # of a class, and of what it made
# The type of a tree of histogram gradient boosting, the one of its file that skops leaves out on purpose: compiled code
# goes by the indices in it, which models.safety proves.
BOOSTED_TREE: Final = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"
# What else its file holds, and one of Poisson regression: numbers and names, made without calling any of their own
# code. skops trusts them since 0.14; the lowest release that we work with does not. Before 1.8 scikit-learn called a
# module of its own `_loss`, and so do the files of its models.
LOSSES: Final = (
    "_loss.CyHalfMultinomialLoss",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn._loss._loss.CyHalfMultinomialLoss",
    *(
        f"sklearn._loss.link.{name}"
        for name in ("HalfLogitLink", "IdentityLink", "Interval", "LogitLink", "LogLink", "MultinomialLogit")
    ),
    *(
        f"sklearn._loss.loss.{name}"
        for name in ("AbsoluteError", "HalfBinomialLoss", "HalfGammaLoss", "HalfMultinomialLoss", "HalfPoissonLoss",
                     "HalfSquaredError", "PinballLoss")
    ),
)  # fmt: skip
# What prepares its categories: within it a partial function, of scikit-learn's check of an array and no other. The last
# is of scikit-learn 1.6: a list, of the columns left over, which are none.
CATEGORIES: Final = (
    "functools.partial", "sklearn.utils.validation.check_array",
    "sklearn.compose._column_transformer._RemainderColsList",
)  # fmt: skip
# Its iterations of trees, bins, what they start from and what prepares their columns; the columns of the last by name.
BOOSTING: Final = ("_predictors", "_bin_mapper", "_baseline_prediction", "_preprocessor")
COLUMNS: Final = ("_transformer_to_input_indices",)
# From which a one-hot encoder makes the indices of its matrix, beside its categories.
ONE_HOT: Final = (
    "_infrequent_enabled", "_infrequent_indices", "_default_to_infrequent_mappings", "_drop_idx_after_grouping",
    "_n_features_outs",
)  # fmt: skip
# The optimizers that a neural network keeps, for fitting on: numbers.
OPTIMIZERS: Final = (
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
)
# An address in the process, which vectorizers keep to warn once of odd stop words: it alone differs in two alike.
STOP_WORDS_ID: Final = "_stop_words_id"
# How the rows are divided that an encoder by the target is fitted on: numbers.
FOLDS: Final = ("sklearn.model_selection._split.KFold", "sklearn.model_selection._split.StratifiedKFold")
# The estimators of scikit-learn that our families and preparations have, by the names that skops has for them: to trust
# these, it need not walk through all of scikit-learn.
COMMON_ESTIMATORS: Final = (
    "sklearn.calibration.CalibratedClassifierCV", "sklearn.compose._column_transformer.ColumnTransformer",
    "sklearn.dummy.DummyClassifier", "sklearn.dummy.DummyRegressor", "sklearn.ensemble._forest.ExtraTreesClassifier",
    "sklearn.ensemble._forest.ExtraTreesRegressor", "sklearn.ensemble._forest.RandomForestClassifier",
    "sklearn.ensemble._forest.RandomForestRegressor",
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingRegressor",
    "sklearn.feature_extraction.text.TfidfTransformer", "sklearn.feature_extraction.text.TfidfVectorizer",
    "sklearn.impute._base.MissingIndicator", "sklearn.impute._base.SimpleImputer",
    "sklearn.linear_model._base.LinearRegression", "sklearn.linear_model._coordinate_descent.ElasticNet",
    "sklearn.linear_model._coordinate_descent.Lasso", "sklearn.linear_model._glm.glm.PoissonRegressor",
    "sklearn.linear_model._huber.HuberRegressor", "sklearn.linear_model._logistic.LogisticRegression",
    "sklearn.linear_model._ridge.Ridge", "sklearn.linear_model._ridge.RidgeClassifier",
    "sklearn.linear_model._stochastic_gradient.SGDClassifier", "sklearn.linear_model._stochastic_gradient.SGDRegressor",
    "sklearn.naive_bayes.ComplementNB", "sklearn.naive_bayes.GaussianNB", "sklearn.naive_bayes.MultinomialNB",
    "sklearn.neighbors._classification.KNeighborsClassifier", "sklearn.neighbors._nearest_centroid.NearestCentroid",
    "sklearn.neighbors._regression.KNeighborsRegressor", "sklearn.neural_network._multilayer_perceptron.MLPClassifier",
    "sklearn.neural_network._multilayer_perceptron.MLPRegressor", "sklearn.pipeline.Pipeline",
    "sklearn.preprocessing._data.MinMaxScaler", "sklearn.preprocessing._data.RobustScaler",
    "sklearn.preprocessing._data.StandardScaler", "sklearn.preprocessing._encoders.OneHotEncoder",
    "sklearn.preprocessing._encoders.OrdinalEncoder", "sklearn.preprocessing._function_transformer.FunctionTransformer",
    "sklearn.preprocessing._label.LabelBinarizer", "sklearn.preprocessing._label.LabelEncoder",
    "sklearn.preprocessing._target_encoder.TargetEncoder", "sklearn.svm._classes.LinearSVC",
    "sklearn.svm._classes.LinearSVR", "sklearn.svm._classes.SVC", "sklearn.svm._classes.SVR",
    "sklearn.tree._classes.DecisionTreeClassifier", "sklearn.tree._classes.DecisionTreeRegressor",
    "sklearn.tree._classes.ExtraTreeClassifier", "sklearn.tree._classes.ExtraTreeRegressor",
)  # fmt: skip
