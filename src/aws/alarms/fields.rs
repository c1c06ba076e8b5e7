//! The fields of `PutMetricAlarm`.

use aws_sdk_cloudwatch::operation::put_metric_alarm::PutMetricAlarmInput;
use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmInputBuilder;
use aws_sdk_cloudwatch::types::{
    ActionConfiguration, AlarmPromQlCriteria, AlarmTagsPropagation, Dimension, EvaluationCriteria, EvaluationWindow,
    Metric, MetricDataQuery, MetricStat, SlidingWindow, Tag, WallClockWindow, WarmUpConfiguration,
};

use super::given::Given;

pub(super) fn alarm(given: &Given) -> PutMetricAlarmInputBuilder {
    PutMetricAlarmInput::builder()
        .set_alarm_name(given.text("AlarmName"))
        .set_alarm_description(given.text("AlarmDescription"))
        .set_actions_enabled(given.flag("ActionsEnabled"))
        .set_ok_actions(given.texts("OKActions"))
        .set_alarm_actions(given.texts("AlarmActions"))
        .set_insufficient_data_actions(given.texts("InsufficientDataActions"))
        .set_metric_name(given.text("MetricName"))
        .set_namespace(given.text("Namespace"))
        .set_statistic(given.word("Statistic"))
        .set_extended_statistic(given.text("ExtendedStatistic"))
        .set_dimensions(given.objects("Dimensions", dimension))
        .set_period(given.whole("Period"))
        .set_unit(given.word("Unit"))
        .set_evaluation_periods(given.whole("EvaluationPeriods"))
        .set_datapoints_to_alarm(given.whole("DatapointsToAlarm"))
        .set_threshold(given.number("Threshold"))
        .set_comparison_operator(given.word("ComparisonOperator"))
        .set_treat_missing_data(given.text("TreatMissingData"))
        .set_evaluate_low_sample_count_percentile(given.text("EvaluateLowSampleCountPercentile"))
        .set_metrics(given.objects("Metrics", metric_data_query))
        .set_tags(given.objects("Tags", tag))
        .set_threshold_metric_id(given.text("ThresholdMetricId"))
        .set_evaluation_window(given.object("EvaluationWindow", evaluation_window).flatten())
        .set_warm_up_configuration(given.object("WarmUpConfiguration", warm_up))
        .set_evaluation_criteria(given.object("EvaluationCriteria", evaluation_criteria).flatten())
        .set_evaluation_interval(given.whole("EvaluationInterval"))
        .set_action_configuration(given.object("ActionConfiguration", action_configuration))
}

fn dimension(given: &Given) -> Dimension {
    Dimension::builder().set_name(given.text("Name")).set_value(given.text("Value")).build()
}

fn tag(given: &Given) -> Tag {
    Tag::builder().set_key(given.text("Key")).set_value(given.text("Value")).build()
}

fn metric_data_query(given: &Given) -> MetricDataQuery {
    MetricDataQuery::builder()
        .set_id(given.text("Id"))
        .set_metric_stat(given.object("MetricStat", metric_stat))
        .set_expression(given.text("Expression"))
        .set_label(given.text("Label"))
        .set_return_data(given.flag("ReturnData"))
        .set_period(given.whole("Period"))
        .set_account_id(given.text("AccountId"))
        .build()
}

fn metric_stat(given: &Given) -> MetricStat {
    MetricStat::builder()
        .set_metric(given.object("Metric", metric))
        .set_period(given.whole("Period"))
        .set_stat(given.text("Stat"))
        .set_unit(given.word("Unit"))
        .build()
}

fn metric(given: &Given) -> Metric {
    Metric::builder()
        .set_namespace(given.text("Namespace"))
        .set_metric_name(given.text("MetricName"))
        .set_dimensions(given.objects("Dimensions", dimension))
        .build()
}

fn evaluation_window(given: &Given) -> Option<EvaluationWindow> {
    let sliding = given.object("SlidingWindow", |_| SlidingWindow::builder().build());
    let wall_clock = given
        .object("WallClockWindow", |given| WallClockWindow::builder().set_timezone(given.text("Timezone")).build());
    sliding.map(EvaluationWindow::SlidingWindow).or_else(|| wall_clock.map(EvaluationWindow::WallClockWindow))
}

fn warm_up(given: &Given) -> WarmUpConfiguration {
    WarmUpConfiguration::builder()
        .set_warm_up_period_duration_in_minutes(given.whole("WarmUpPeriodDurationInMinutes"))
        .set_only_start_evaluating_after_warm_up_period_ends(given.flag("OnlyStartEvaluatingAfterWarmUpPeriodEnds"))
        .build()
}

fn evaluation_criteria(given: &Given) -> Option<EvaluationCriteria> {
    let criteria = given.object("PromQLCriteria", |given| {
        AlarmPromQlCriteria::builder()
            .set_query(given.text("Query"))
            .set_pending_period(given.whole("PendingPeriod"))
            .set_recovery_period(given.whole("RecoveryPeriod"))
            .build()
    });
    criteria.map(EvaluationCriteria::PromQlCriteria)
}

fn action_configuration(given: &Given) -> ActionConfiguration {
    let propagation = given.object("AlarmTagsPropagation", |given| {
        AlarmTagsPropagation::builder()
            .set_enabled(given.flag("Enabled"))
            .set_included_tag_keys(given.texts("IncludedTagKeys"))
            .set_excluded_tag_keys(given.texts("ExcludedTagKeys"))
            .build()
    });
    ActionConfiguration::builder().set_alarm_tags_propagation(propagation).build()
}
